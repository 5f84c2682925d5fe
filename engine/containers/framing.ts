import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { OutputStream } from '../host/attachSocket.ts';

const STDOUT = 1;
const STDERR = 2;

/** Docker's frame around output of a container without a terminal: stream (1 or 2), three zeros, length in big endian, data. */
export function frame(stream: OutputStream, data: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(8 + data.length);
  framed.writeUInt32BE((stream === 'stderr' ? STDERR : STDOUT) * 0x1000000, 0);
  framed.writeUInt32BE(data.length, 4);
  framed.set(data, 8);
  return framed;
}

/** Writes output to a client: raw for a terminal, framed otherwise. */
export class ClientOutput {
  readonly #client: Writable;
  readonly #raw: boolean;

  constructor(client: Writable, raw: boolean) {
    this.#client = client;
    this.#raw = raw;
  }

  /** False: the client is behind; `drained` resolves when it has caught up or left. */
  write(stream: OutputStream, data: Buffer): boolean {
    if (!this.#client.writable) return true;
    return this.#client.write(this.#raw ? data : frame(stream, data));
  }

  /** Bytes that wait for the client. */
  get behind(): number {
    return this.#client.writableLength;
  }

  drained(): Promise<void> {
    return drained(this.#client);
  }
}

/** Resolves when a stream takes more, or has ended. */
export async function drained(stream: Writable): Promise<void> {
  if (!stream.writable || !stream.writableNeedDrain) return;
  const settled = new AbortController();
  const wait = (event: string): Promise<unknown> => once(stream, event, { signal: settled.signal }).catch(() => undefined);
  await Promise.race([wait('drain'), wait('close')]);
  settled.abort();
}
