import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

const KEPT_MS = 14 * 24 * 3600 * 1000;
const MOST = 40;

export interface ContextLease {
  readonly root: string;
  readonly indexFile: string;
  release(): void;
}

/** The build contexts of clients elsewhere, each as it was when last sent. One user at a time each; those not used for two weeks go, and the oldest of many. */
export class ContextFolders {
  readonly #folder: string;
  readonly #tails = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Waits until nobody else uses the context. */
  async lease(id: string): Promise<ContextLease> {
    const before = this.#tails.get(id);
    let release: () => void = () => undefined;
    const tail = new Promise<void>((resolve) => (release = resolve));
    this.#tails.set(id, tail);
    await before;
    const folder = join(this.#folder, id);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await utimes(folder, new Date(), new Date());
    } catch (error) {
      release();
      throw error;
    }
    return {
      root: join(folder, 'files'),
      indexFile: join(folder, 'index'),
      release: () => {
        if (this.#tails.get(id) === tail) this.#tails.delete(id);
        release();
      },
    };
  }

  /** Only at the start of the engine: nothing is in use. */
  async prune(now: number = Date.now()): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const folders = await Promise.all(names.map(async (name) => ({ path: join(this.#folder, name), used: (await stat(join(this.#folder, name))).mtimeMs })));
    const old = folders.sort((a, b) => b.used - a.used).filter(({ used }, index) => index >= MOST || now - used > KEPT_MS);
    for (const { path } of old) await rm(path, { recursive: true, force: true });
  }
}
