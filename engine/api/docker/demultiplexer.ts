const HEADER = 8;

export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/** Takes Docker's multiplexed stream apart: frames of 1 byte (1 stdout, 2 stderr), 3 zeros, 4 bytes of length (big-endian), and the data. */
export class Demultiplexer {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete with `chunk`. */
  push(chunk: Buffer): Frame[] {
    let buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (buffer.length >= HEADER) {
      const end = HEADER + buffer.readUInt32BE(4);
      if (buffer.length < end) break;
      frames.push({ stream: buffer[0] === 2 ? 'stderr' : 'stdout', data: buffer.subarray(HEADER, end) });
      buffer = buffer.subarray(end);
    }
    this.#rest = buffer;
    return frames;
  }
}
