const HEADER = 8;

export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/**
 * Takes Docker's multiplexed stream apart: frames of 8 bytes (stream, 0, 0, 0, length big-endian) and payload, cut
 * anywhere by the transport. Payload is passed on as it arrives, without waiting for its frame to be complete.
 */
export class Demultiplexer {
  #header = Buffer.alloc(0);
  #left = 0;
  #stream: Frame['stream'] = 'stdout';

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        rest = this.#takeHeader(rest);
        continue;
      }
      const data = rest.subarray(0, this.#left);
      this.#left -= data.length;
      rest = rest.subarray(data.length);
      frames.push({ stream: this.#stream, data });
    }
    return frames;
  }

  #takeHeader(chunk: Buffer): Buffer {
    const missing = HEADER - this.#header.length;
    this.#header = Buffer.concat([this.#header, chunk.subarray(0, missing)]);
    if (this.#header.length < HEADER) return Buffer.alloc(0);
    this.#stream = this.#header[0] === 2 ? 'stderr' : 'stdout';
    this.#left = this.#header.readUInt32BE(4);
    this.#header = Buffer.alloc(0);
    return chunk.subarray(missing);
  }
}
