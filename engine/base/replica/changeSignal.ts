/** Gathers many small events to few: one call after a moment without any, or after a longer one with. */
export class ChangeSignal implements Disposable {
  readonly #fire: () => void;
  readonly #quietMs: number;
  readonly #longestMs: number;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  constructor(fire: () => void, quietMs: number, longestMs: number) {
    this.#fire = fire;
    this.#quietMs = quietMs;
    this.#longestMs = longestMs;
  }

  touch(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#since = now;
    else clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(this.#quietMs, this.#since + this.#longestMs - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#fire();
    }, wait);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
