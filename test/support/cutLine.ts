import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { CleanupStack } from '../../engine/base/cleanup.ts';

/** When a line ends the next connection through it. */
export interface Cut {
  /** Bytes that still pass; what is beyond them is lost. */
  readonly up?: number;
  readonly down?: number;
  /** Asked again and again. */
  readonly when?: () => boolean;
}

/** A line to a TCP server, by a loopback port, that counts what passes and is cut where the test says. */
export class CutLine {
  readonly port: number;
  /** Bytes from the client, of all connections. */
  up = 0;
  /** Connections that were cut. */
  cuts = 0;
  #next: Cut = {};
  readonly #cleanup = new CleanupStack();

  private constructor(port: number) {
    this.port = port;
  }

  static async listen(port: number, target: { readonly host: string; readonly port: number }): Promise<CutLine> {
    const line = new CutLine(port);
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ ...target, noDelay: true });
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => (near.destroy(), far.destroy(), sockets.delete(socket)));
      }
      line.#carry(near, far);
    }).listen(port, '127.0.0.1');
    line.#cleanup.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await once(server, 'listening');
    return line;
  }

  /** Of the next connection; those after it are whole. */
  cutNext(cut: Cut): void {
    this.#next = cut;
  }

  close(): Promise<void> {
    return this.#cleanup.run();
  }

  #carry(near: Socket, far: Socket): void {
    const { when, ...bytes } = this.#next;
    this.#next = {};
    const left = { up: bytes.up ?? Infinity, down: bytes.down ?? Infinity };
    const asking = when && setInterval(() => when() && end(), 2);
    const end = (): void => {
      clearInterval(asking);
      this.cuts += 1;
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    if (left.up === 0 || left.down === 0) return end();
    near.once('close', () => clearInterval(asking));
    for (const [from, to, way] of [[near, far, 'up'], [far, near, 'down']] as const) {
      from.on('data', (chunk: Buffer) => {
        const part = chunk.subarray(0, left[way]);
        left[way] -= part.length;
        if (way === 'up') this.up += part.length;
        // The last bytes must arrive before the end does.
        const whole = to.write(part, left[way] > 0 ? undefined : end);
        if (whole) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
    }
  }
}
