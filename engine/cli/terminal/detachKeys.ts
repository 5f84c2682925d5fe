/** `ctrl-p,ctrl-q` as the bytes a terminal sends; undefined when it is not a list of letters and ctrl-letters. */
export function parseDetachKeys(text: string): number[] | undefined {
  const keys = text.split(',').map((key) => {
    if (/^[^,]$/.test(key) && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    return control === undefined ? undefined : control.toUpperCase().charCodeAt(0) & 0x1f;
  });
  return keys.some((key) => key === undefined) ? undefined : keys.filter((key) => key !== undefined);
}

/** Finds the keys that detach in what is typed. Keys that begin the sequence are held back until it is clear that they do not complete it. */
export class DetachDetector {
  readonly #keys: readonly number[];
  #held = 0;

  /** No keys: never detaches. */
  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  push(chunk: Buffer): { readonly forward: Buffer; readonly detached: boolean } {
    const forward: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#held]) {
        this.#held += 1;
        if (this.#held === this.#keys.length) return { forward: Buffer.from(forward), detached: true };
        continue;
      }
      forward.push(...this.#keys.slice(0, this.#held));
      this.#held = byte === this.#keys[0] ? 1 : 0;
      if (this.#held === 0) forward.push(byte);
      else if (this.#keys.length === 1) return { forward: Buffer.from(forward), detached: true };
    }
    return { forward: Buffer.from(forward), detached: false };
  }
}
