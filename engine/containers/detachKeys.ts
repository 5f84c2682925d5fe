import { invalidConfig } from './errors.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** `ctrl-p,ctrl-q` or `a,b` as the bytes that a terminal sends. */
export function parseDetachKeys(text: string): number[] {
  return (text || defaultDetachKeys).split(',').map((key) => {
    if (/^.$/.test(key)) return key.charCodeAt(0);
    const letter = /^ctrl-([a-z@[\]\\^_])$/i.exec(key)?.[1];
    if (letter === undefined) throw invalidConfig({ what: 'Invalid detach keys', detail: `unknown character '${key}'` });
    return letter.toUpperCase().charCodeAt(0) - 64;
  });
}

/** Looks for the detach keys in what a client types. Keys that begin the sequence are held back until it is clear that they do not. */
export class DetachFilter {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What to hand on, and whether the client asked to leave. */
  feed(chunk: Buffer): { readonly data: Buffer; readonly detach: boolean } {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#keys.length) return { data: Buffer.from(out), detach: true };
        continue;
      }
      out.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) out.push(byte);
    }
    return { data: Buffer.from(out), detach: false };
  }
}
