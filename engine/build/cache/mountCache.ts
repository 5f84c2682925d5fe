import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelled } from '../../base/errors.ts';
import { shortRandom } from '../../base/ids.ts';
import { treeSize } from '../../snapshots/treeSize.ts';

/** A folder of `RUN --mount=type=cache`, held until disposed. */
export interface HeldCache extends AsyncDisposable {
  readonly path: string;
}

export interface CacheRequest {
  readonly id: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Fills a folder that is new. */
  readonly fill?: (folder: string) => Promise<void>;
}

interface Use {
  holders: number;
  /** Resolves when a holder leaves. */
  left: Promise<void>;
  leave: () => void;
}

const TEMP = '.tmp-';

/** Folders that RUN steps keep from build to build: `build-cache/mounts/<digest of the id>-<number>`. Losing them costs time, never a result. */
export class MountCache {
  readonly #root: string;
  readonly #uses = new Map<string, Use>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Removes what a killed engine left half made. */
  async reconcile(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#root)) if (name.startsWith(TEMP)) await rm(join(this.#root, name), { recursive: true, force: true });
  }

  /** `shared`: together with others. `locked`: waits for them. `private`: a folder that nobody else uses now. */
  async hold(request: CacheRequest, signal: AbortSignal): Promise<HeldCache> {
    const base = createHash('sha256').update(request.id).digest('hex').slice(0, 32);
    const name = request.sharing === 'private' ? this.#firstFree(base) : `${base}-0`;
    while (request.sharing === 'locked' && this.#uses.has(name)) await until(this.#uses.get(name)?.left, signal);
    this.#enter(name);
    try {
      return { path: await this.#make(name, request), [Symbol.asyncDispose]: () => Promise.resolve(this.#leave(name)) };
    } catch (error) {
      this.#leave(name);
      throw error;
    }
  }

  /** The folders there are. `size`: bytes of their files. */
  async list(): Promise<Array<{ readonly id: string; readonly size: number; readonly created: string; readonly lastUsed: number; readonly inUse: boolean }>> {
    const names = (await readdir(this.#root).catch(() => [])).filter((name) => !name.startsWith(TEMP));
    const found = await Promise.all(
      names.map(async (name) => {
        const info = await stat(join(this.#root, name)).catch(() => undefined);
        return info ? [{ id: name, size: await treeSize(join(this.#root, name)), created: info.birthtime.toISOString(), lastUsed: info.atimeMs, inUse: this.#uses.has(name) }] : [];
      }),
    );
    return found.flat();
  }

  /** Removes the folders that nobody uses and that were last used before `unusedSince` (milliseconds since 1970); returns how many. */
  async prune(unusedSince = Number.POSITIVE_INFINITY): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#root).catch(() => [])) {
      const path = join(this.#root, name);
      if (this.#uses.has(name) || name.startsWith(TEMP)) continue;
      const info = await stat(path).catch(() => undefined);
      if (!info || info.atimeMs >= unusedSince) continue;
      const doomed = join(this.#root, `${TEMP}${shortRandom()}`);
      await rename(path, doomed);
      await rm(doomed, { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }

  #firstFree(base: string): string {
    for (let number = 0; ; number += 1) if (!this.#uses.has(`${base}-${number}`)) return `${base}-${number}`;
  }

  async #make(name: string, request: CacheRequest): Promise<string> {
    const path = join(this.#root, name);
    const data = join(path, 'data');
    // Two that share a folder may find it missing at once: each makes one, and the first rename wins.
    if (!(await isThere(data))) {
      const temp = join(this.#root, `${TEMP}${shortRandom()}`);
      await mkdir(join(temp, 'data'), { recursive: true, mode: 0o700 });
      await request.fill?.(join(temp, 'data'));
      await chown(join(temp, 'data'), request.uid, request.gid);
      await chmod(join(temp, 'data'), request.mode);
      await rename(temp, path).catch(() => rm(temp, { recursive: true, force: true }));
    }
    const now = new Date();
    await utimes(path, now, now);
    return data;
  }

  #enter(name: string): void {
    const use = this.#uses.get(name);
    if (use) use.holders += 1;
    else {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#uses.set(name, { holders: 1, left: promise, leave: () => resolve(undefined) });
    }
  }

  #leave(name: string): void {
    const use = this.#uses.get(name);
    if (!use) return;
    use.holders -= 1;
    if (use.holders > 0) return;
    this.#uses.delete(name);
    use.leave();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

async function until(promise: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (!promise) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => reject(cancelled({ what: 'The build step' }));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}
