import { Duplex } from 'node:stream';

/** Two ends of a connection in memory that cuts what passes into pieces, and breaks on demand or after so many bytes. */
export class TestCarrier {
  readonly ends: readonly [Duplex, Duplex];
  #left: number;

  /** `breakAfter`: bytes, both directions together, after which nothing more arrives; `piece`: how long the next piece is. */
  constructor(options: { breakAfter?: number; piece?: () => number } = {}) {
    this.#left = options.breakAfter ?? Infinity;
    const piece = options.piece ?? (() => 65_536);
    const make = (peer: () => Duplex): Duplex =>
      new Duplex({
        read: () => undefined,
        write: (chunk: Buffer, _encoding, done) => {
          setImmediate(() => {
            this.#deliver(peer(), chunk, piece);
            done();
          });
        },
        final: (done) => {
          peer().push(null);
          done();
        },
        destroy: (error, done) => {
          if (!peer().destroyed) peer().destroy();
          done(error);
        },
      });
    const one: Duplex = make(() => other);
    const other: Duplex = make(() => one);
    this.ends = [one, other];
  }

  break(): void {
    this.#left = 0;
    for (const end of this.ends) end.destroy();
  }

  #deliver(to: Duplex, chunk: Buffer, piece: () => number): void {
    for (let at = 0; at < chunk.length && !to.destroyed; ) {
      const size = Math.min(piece(), chunk.length - at, this.#left);
      if (size > 0) to.push(chunk.subarray(at, at + size));
      at += Math.max(size, 1);
      this.#left -= size;
      if (this.#left <= 0) this.break();
    }
  }
}
