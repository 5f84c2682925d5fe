import type { ServerChannel } from 'ssh2';

/**
 * Writes to an SSH channel, one piece after the other, as the client takes them. ssh2 mixes its two outputs up when both wait for the client at
 * once, and keeps what it has sent: so only one waits at a time, and what is kept is cleared.
 */
export class ChannelWriter {
  readonly #channel: ServerChannel;
  #last: Promise<void> = Promise.resolve();
  #over = false;
  #release: () => void = () => undefined;

  constructor(channel: ServerChannel) {
    this.#channel = channel;
    channel.once('close', () => {
      this.#over = true;
      this.#release();
    });
  }

  /** Resolves when the client has room for more, or is gone. */
  write(data: Buffer, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    this.#last = this.#last.then(() => this.#write(data, stream));
    return this.#last;
  }

  /** Resolves once all that was written is out. */
  flushed(): Promise<void> {
    return this.#last;
  }

  #write(data: Buffer, stream: 'stdout' | 'stderr'): Promise<void> | undefined {
    if (this.#over || !this.#channel.writable || data.length === 0) return undefined;
    return new Promise((resolve) => {
      this.#release = resolve;
      const out = stream === 'stdout' ? this.#channel : this.#channel.stderr;
      out.write(data, () => {
        Object.assign(this.#channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined });
        resolve();
      });
    });
  }
}
