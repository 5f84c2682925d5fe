import { Duplex } from 'node:stream';
import { BerthError, defineError } from '../../engine/base/errors.ts';
import type { HostConnection } from '../../engine/remote/connection.ts';
import { localConnection } from './localConnection.ts';

const socketMissing = defineError<{ path: string }>('REMOTE_SOCKET_MISSING', 404, (p) => `Nothing listens on ${p.path}`);
const unreachable = defineError<Record<never, never>>('TEST_UNREACHABLE', 502, () => 'The network is down');

/** A network that can be slow, break, and go silent, in front of this machine as if it were another. */
export class TestNetwork {
  /** One way. */
  delayMs = 0;
  #state: 'up' | 'down' | 'silent' = 'up';
  readonly #env: NodeJS.ProcessEnv;
  readonly #open = new Set<Duplex>();
  readonly #connections = new Set<(reason: Error) => void>();
  dials = 0;
  /** What was asked of the connections: `stream PATH`, `exec COMMAND`. */
  readonly asked: string[] = [];

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Everything breaks, between any two bytes; nothing can be dialled until `mend`. */
  cut(): void {
    this.#state = 'down';
    this.#breakAll();
  }

  /** As a pulled cable: nothing arrives, and nobody is told. */
  silence(): void {
    this.#state = 'silent';
  }

  mend(): void {
    if (this.#state === 'silent') this.#breakAll();
    this.#state = 'up';
  }

  dial(): Promise<HostConnection> {
    this.dials += 1;
    if (this.#state !== 'up') return Promise.reject(unreachable({}));
    const local = localConnection(this.#env);
    let finish: (reason: Error | undefined) => void = () => undefined;
    const closed = new Promise<Error | undefined>((resolve) => (finish = resolve));
    this.#connections.add(finish);
    const mine = new Set<Duplex>();
    return Promise.resolve({
      ...local,
      description: 'test@host',
      exec: (command) => {
        this.asked.push(`exec ${command}`);
        return local.exec(command);
      },
      openStreamLocal: async (path) => {
        this.asked.push(`stream ${path}`);
        const stream = this.#wrap(await openOr(local, path));
        mine.add(stream);
        return stream;
      },
      closed,
      close: () => {
        for (const stream of mine) stream.destroy();
        finish(undefined);
        return Promise.resolve();
      },
    });
  }

  #breakAll(): void {
    for (const stream of this.#open) stream.destroy();
    for (const finish of this.#connections) finish(unreachable({}));
    this.#connections.clear();
  }

  /** Chunks travel in two pieces, so that a cut may come within any frame. */
  #wrap(inner: Duplex): Duplex {
    const later = (work: () => void): void => void (this.delayMs > 0 ? setTimeout(work, this.delayMs) : setImmediate(work));
    const outer = new Duplex({
      allowHalfOpen: true,
      read: () => void inner.resume(),
      write: (chunk: Buffer, _encoding, done) => {
        const middle = Math.floor(Math.random() * chunk.length);
        later(() => this.#state === 'up' && inner.write(chunk.subarray(0, middle)));
        later(() => {
          if (this.#state !== 'up') done();
          else if (inner.write(chunk.subarray(middle))) done();
          else inner.once('drain', () => done());
        });
      },
      final: (done) => {
        later(() => inner.end());
        done();
      },
      destroy: (error, done) => {
        this.#open.delete(outer);
        inner.destroy();
        done(error);
      },
    });
    const push = (bytes: Buffer | null): void => {
      if (this.#state === 'up' && !outer.destroyed && !outer.push(bytes)) inner.pause();
    };
    inner.on('data', (chunk: Buffer) => {
      const middle = Math.floor(Math.random() * chunk.length);
      if (middle > 0) later(() => push(chunk.subarray(0, middle)));
      later(() => push(chunk.subarray(middle)));
    });
    inner.once('end', () => later(() => push(null)));
    inner.once('close', () => later(() => this.#state === 'up' && outer.destroy()));
    inner.on('error', (error) => outer.destroy(error));
    outer.on('error', () => undefined);
    this.#open.add(outer);
    return outer;
  }
}

async function openOr(local: HostConnection, path: string): Promise<Duplex> {
  try {
    return await local.openStreamLocal(path);
  } catch (error) {
    if (error instanceof BerthError) throw error;
    throw socketMissing({ path }, { cause: error });
  }
}
