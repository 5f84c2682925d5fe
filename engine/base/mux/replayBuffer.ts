import { muxProtocol, muxResumeImpossible } from './errors.ts';

/** The sequenced frames that the peer has not acknowledged, in order, and up to which one they are on the present carrier. */
export class ReplayBuffer {
  readonly #frames: Buffer[] = [];
  #acknowledged = 0;
  #cursor = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** The next frame that this carrier has not had. */
  next(): Buffer | undefined {
    const frame = this.#frames[this.#cursor];
    if (frame) this.#cursor += 1;
    return frame;
  }

  /** The peer has had `count` frames in all. */
  acknowledge(count: number): void {
    const fresh = count - this.#acknowledged;
    if (fresh < 0) return;
    if (fresh > this.#cursor) throw muxProtocol({ detail: `${count} frames were acknowledged, ${this.#acknowledged + this.#cursor} were sent` });
    for (const frame of this.#frames.splice(0, fresh)) this.#bytes -= frame.length;
    this.#cursor -= fresh;
    this.#acknowledged = count;
  }

  /** A new carrier, on a peer that has had `count` frames: what it lacks is next. */
  rewind(count: number): void {
    if (count < this.#acknowledged || count > this.#acknowledged + this.#frames.length) {
      throw muxResumeImpossible({ detail: `the other end has ${count} frames, here are ${this.#acknowledged} to ${this.#acknowledged + this.#frames.length}` });
    }
    this.#cursor = this.#frames.length;
    this.acknowledge(count);
    this.#cursor = 0;
  }
}
