import { Buffer } from 'node:buffer';
import { archiveInvalid } from './errors.ts';

/** Takes bytes from a stream in the portions the reader asks for. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; `undefined` at the end of the stream; throws ARCHIVE_INVALID when it ends within them. */
  async exactly(length: number): Promise<Buffer | undefined> {
    if (this.#buffer.length < length) {
      const parts = [this.#buffer];
      let have = this.#buffer.length;
      while (have < length) {
        const next = await this.#source.next();
        if (next.done) {
          if (have === 0) return undefined;
          throw archiveInvalid({ detail: 'it ends in the middle of an entry' });
        }
        parts.push(next.value);
        have += next.value.length;
      }
      this.#buffer = Buffer.concat(parts);
    }
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  /** `length` bytes in whatever pieces they come. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    let left = length;
    while (left > 0) {
      const piece = this.#buffer.length > 0 ? this.#buffer : await this.#more();
      const taken = piece.subarray(0, left);
      this.#buffer = piece.subarray(taken.length);
      left -= taken.length;
      yield taken;
    }
  }

  /** Everything that is left, in pieces. */
  async *rest(): AsyncGenerator<Buffer> {
    if (this.#buffer.length > 0) yield this.#buffer;
    this.#buffer = Buffer.alloc(0);
    for (;;) {
      const next = await this.#source.next();
      if (next.done) return;
      yield next.value;
    }
  }

  /** Tells the source that nobody will read on. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #more(): Promise<Buffer> {
    const next = await this.#source.next();
    if (next.done) throw archiveInvalid({ detail: 'it ends in the middle of a file' });
    return next.value;
  }
}
