const MOST_BYTES = 8192;
const MOST_LINES = 20;

/** Keeps the end of what was printed. */
export class LastLines {
  #tail = Buffer.alloc(0);

  add(chunk: Buffer): void {
    const joined = Buffer.concat([this.#tail, chunk]);
    this.#tail = joined.subarray(Math.max(0, joined.length - MOST_BYTES));
  }

  /** At most 20 lines. */
  text(): string {
    return this.#tail.toString('utf8').trimEnd().split('\n').slice(-MOST_LINES).join('\n');
  }
}
