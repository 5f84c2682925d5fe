import type { Log } from '../base/log.ts';
import type { Namespace } from './namespaces.ts';

/** What a pool needs to know of the things it keeps. */
export interface PoolMaker {
  make(count: number): Promise<Namespace[]>;
  destroy(namespaces: readonly Namespace[]): Promise<void>;
}

/** Starting a process takes milliseconds of the engine: not those in which the container that took a namespace is started. */
const REFILL_DELAY_MS = 40;

/**
 * Keeps a few network namespaces ready, so that a start does not wait for the kernel. Taking one is immediate; when half are gone the
 * pool is refilled in the background.
 */
export class NamespacePool {
  readonly #ready: Namespace[] = [];
  readonly #maker: PoolMaker;
  readonly #size: number;
  readonly #log: Log;
  #filling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(maker: PoolMaker, size: number, log: Log) {
    this.#maker = maker;
    this.#size = size;
    this.#log = log;
  }

  /** A ready namespace; made now if none is left. */
  async take(): Promise<Namespace> {
    const ready = this.#ready.shift();
    if (this.#ready.length <= this.#size / 2) this.#timer ??= setTimeout(() => this.refill(), REFILL_DELAY_MS).unref();
    if (ready) return ready;
    const [made] = await this.#maker.make(1);
    if (!made) throw new Error('no network namespace was made');
    return made;
  }

  /** Fills the pool in the background; a failure is logged and shows again at the next take. */
  refill(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed || this.#filling) return;
    this.#filling = this.#fill()
      .catch((error: unknown) => this.#log.warn('the pool of network namespaces could not be filled', { error }))
      .finally(() => (this.#filling = undefined));
  }

  /** Resolves when the pool is full again, or could not be filled. */
  async settled(): Promise<void> {
    if (this.#timer) this.refill();
    await this.#filling;
  }

  /** What is kept ready now. */
  ready(): readonly Namespace[] {
    return this.#ready;
  }

  /** Destroys what is ready; the pool gives no more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#filling;
    await this.#maker.destroy(this.#ready.splice(0));
  }

  async #fill(): Promise<void> {
    const missing = this.#size - this.#ready.length;
    if (missing > 0) this.#ready.push(...(await this.#maker.make(missing)));
  }
}
