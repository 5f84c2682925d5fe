import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { SeqpacketSocket } from 'node-unix-socket';
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

/** A connection to conmon's attach socket (SOCK_SEQPACKET): each packet from it begins with 2 (stdout) or 3 (stderr). */
export class AttachSocket {
  readonly #socket: SeqpacketSocket;
  #open = true;

  /** Connects to the socket in conmon's bundle. The path goes through /proc/self/fd, for a socket's address has room for 108 bytes only. */
  static connect(bundle: string, listener: AttachListener): Promise<AttachSocket> {
    const folder = openSync(bundle, constants.O_RDONLY | constants.O_DIRECTORY);
    const socket = new SeqpacketSocket();
    socket.setInternalReadBufferSize(64 * 1024);
    const attached = new AttachSocket(socket, listener);
    return new Promise<AttachSocket>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(join('/proc/self/fd', String(folder), conmonFiles.attach), () => resolve(attached));
    }).finally(() => closeSync(folder));
  }

  private constructor(socket: SeqpacketSocket, listener: AttachListener) {
    this.#socket = socket;
    const end = (): void => {
      if (!this.#open) return;
      this.#open = false;
      socket.destroy();
      listener.end();
    };
    socket.on('data', (packet: Buffer) => {
      if (packet.length > 1) listener.output(packet.subarray(1), packet[0] === STDERR ? 'stderr' : 'stdout');
    });
    socket.on('end', end);
    socket.on('error', end);
    socket.on('close', end);
  }

  /** Sends input; resolves when the kernel has taken it. */
  async write(data: Buffer): Promise<void> {
    for (let offset = 0; offset < data.length && this.#open; offset += PIECE) {
      const length = Math.min(PIECE, data.length - offset);
      await new Promise<void>((resolve) => {
        const gone = (): void => resolve();
        this.#socket.once('close', gone);
        this.#socket.write(data, offset, length, () => {
          this.#socket.off('close', gone);
          resolve();
        });
      });
    }
  }

  /** No more input: the container sees the end of its stdin, unless conmon was told to keep it open. */
  endInput(): void {
    if (this.#open) this.#socket.end();
  }

  close(): void {
    if (this.#open) this.#socket.destroy();
  }
}
