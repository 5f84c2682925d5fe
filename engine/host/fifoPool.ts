import { constants, closeSync, openSync, unlinkSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { shortRandom } from '../base/ids.ts';
import { run } from './process.ts';

/** One end here, the other (`childFd`) for a process to inherit; call `handedOver` once it has been started, or is not going to be. */
export interface Pipe {
  readonly socket: Socket;
  readonly childFd: number;
  handedOver(): void;
}

/**
 * Real pipes for children. What Node itself gives a child are sockets, on which `echo > /dev/stderr` fails. FIFOs are made ahead of
 * need, several by one process; each is opened at both ends and unlinked at once, so it serves one child only and leaves no file.
 */
export class FifoPool {
  readonly #folder: string;
  readonly #batch: number;
  #ready: string[] = [];
  #filling: Promise<void> | undefined;

  /** `folder` is this pool's own: what a former engine left there is removed by `prepare`. */
  constructor(folder: string, batch = 24) {
    this.#folder = folder;
    this.#batch = batch;
  }

  async prepare(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#fill();
  }

  /** A pipe that the child writes and we read. */
  async output(): Promise<Pipe> {
    const path = await this.#take();
    const ours = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const childFd = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return pipe(new Socket({ fd: ours, readable: true, writable: false }), childFd);
  }

  /** A pipe that we write and the child reads. */
  async input(): Promise<Pipe> {
    const path = await this.#take();
    const both = openSync(path, constants.O_RDWR); // a FIFO opened for both directions waits for nobody
    const childFd = openSync(path, constants.O_RDONLY);
    const ours = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(both);
    unlinkSync(path);
    return pipe(new Socket({ fd: ours, readable: false, writable: true }), childFd);
  }

  async close(): Promise<void> {
    await this.#filling;
    this.#ready = [];
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #take(): Promise<string> {
    for (;;) {
      const path = this.#ready.pop();
      if (this.#ready.length < this.#batch / 3) this.#filling ??= this.#fill().finally(() => (this.#filling = undefined));
      if (path !== undefined) {
        this.#filling?.catch(() => undefined); // fails again for whoever finds the pool empty
        return path;
      }
      await this.#filling;
    }
  }

  async #fill(): Promise<void> {
    const paths = Array.from({ length: this.#batch }, () => join(this.#folder, shortRandom(8)));
    await run('mkfifo', ['-m', '600', ...paths]);
    this.#ready.push(...paths);
  }
}

function pipe(socket: Socket, childFd: number): Pipe {
  let open = true;
  socket.on('error', () => undefined); // the child is gone: its owner learns that from its end
  return {
    socket,
    childFd,
    handedOver: () => {
      if (open) closeSync(childFd);
      open = false;
    },
  };
}
