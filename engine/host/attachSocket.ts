import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type * as Seqpacket from '#native';
import { conmonFiles } from './conmon.ts';

export type OutputStream = 'stdout' | 'stderr';

export interface AttachListener {
  /** Output of the container, as it comes. */
  output(chunk: Buffer, stream: OutputStream): void;
  /** No more will come. Called once. */
  end(): void;
}

/** conmon reads its clients' input in pieces of this size. */
const PIECE = 32 * 1024;
const STDERR = 3;
/** conmon accepts at once; when ten others wait for that, it is asked again this often. */
const ATTEMPTS = 500;
const PAUSE_MS = 10;

/** A connection to conmon's attach socket (SOCK_SEQPACKET): each packet from it begins with 2 (stdout) or 3 (stderr). */
export class AttachSocket {
  readonly #native: typeof Seqpacket;
  readonly #listener: AttachListener;
  readonly #connection: Seqpacket.SeqpacketConnection;
  #open = true;
  #writable: () => void = () => undefined;

  /** Connects to the socket in conmon's bundle. The path goes through /proc/self/fd, for a socket's address has room for 108 bytes only. */
  static async connect(bundle: string, listener: AttachListener): Promise<AttachSocket> {
    const native = await import('#native');
    const folder = openSync(bundle, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const path = join('/proc/self/fd', String(folder), conmonFiles.attach);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return new AttachSocket(native, path, listener);
        } catch (error) {
          if (!isFull(error) || attempt === ATTEMPTS) throw error;
          await delay(PAUSE_MS);
        }
      }
    } finally {
      closeSync(folder);
    }
  }

  private constructor(native: typeof Seqpacket, path: string, listener: AttachListener) {
    this.#native = native;
    this.#listener = listener;
    this.#connection = native.open(
      path,
      (packet) => {
        if (packet.length > 1) listener.output(packet.subarray(1), packet[0] === STDERR ? 'stderr' : 'stdout');
      },
      () => this.#writable(),
      () => this.close(),
    );
  }

  /** Sends input; resolves when the kernel has taken it. */
  async write(data: Buffer): Promise<void> {
    for (let offset = 0; offset < data.length && this.#open; ) {
      const length = Math.min(PIECE, data.length - offset);
      if (this.#send(data, offset, length)) offset += length;
      else if (this.#open) await new Promise<void>((resolve) => (this.#writable = resolve));
    }
  }

  /** No more input: the container sees the end of its stdin, unless conmon was told to keep it open. */
  endInput(): void {
    if (this.#open) this.#native.shutdown(this.#connection);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#native.close(this.#connection);
    this.#writable();
    this.#listener.end();
  }

  /** False: there is no room, or nobody is there any more. */
  #send(data: Buffer, offset: number, length: number): boolean {
    try {
      return this.#native.send(this.#connection, data, offset, length);
    } catch {
      this.close();
      return false;
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
