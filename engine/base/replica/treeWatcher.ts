import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { systemCode } from '../errors.ts';
import { childPath } from '../sync/paths.ts';
import { isMissing } from './folderWalk.ts';

export interface WatchListener {
  /** Something may have changed at this path. */
  changed(path: string): void;
  /** Not all changes are heard of: looking must do. `reason` is for people. */
  limited(reason: string): void;
}

/**
 * Notices changes below a root. On Linux one watch a folder, set by who walks the tree (`add`), so that folders which are left out cost nothing;
 * elsewhere the system watches the whole tree.
 */
export class TreeWatcher implements Disposable {
  readonly #listener: WatchListener;
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>();
  readonly #whole: FSWatcher | undefined;
  #limited = false;

  constructor(root: string, listener: WatchListener) {
    this.#listener = listener;
    if (process.platform !== 'linux') this.#whole = this.#watchWhole(root);
  }

  /** Watches one folder. `place`: where it can be opened now. */
  add(path: string, place: string, inode: number): void {
    if (this.#whole !== undefined || this.#limited || process.platform !== 'linux') return;
    const known = this.#folders.get(path);
    if (known?.inode === inode) return;
    known?.watcher.close();
    this.#folders.delete(path);
    try {
      const watcher = watch(place, (_event, name) => this.#listener.changed(name === null || name === '' ? path : childPath(path, name)));
      watcher.on('error', () => this.#drop(path));
      watcher.unref();
      this.#folders.set(path, { watcher, inode });
    } catch (error) {
      // Gone by now: the look at its parent finds that.
      if (!isMissing(error)) this.#limit(error);
    }
  }

  /** A folder is gone, and what was in it. */
  remove(path: string): void {
    this.#drop(path);
    const inside = `${path}/`;
    for (const other of [...this.#folders.keys()]) if (other.startsWith(inside)) this.#drop(other);
  }

  [Symbol.dispose](): void {
    this.#whole?.close();
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #drop(path: string): void {
    this.#folders.get(path)?.watcher.close();
    this.#folders.delete(path);
  }

  #watchWhole(root: string): FSWatcher | undefined {
    try {
      const watcher = watch(root, { recursive: true }, (_event, name) => this.#listener.changed(name === null ? '' : name.replaceAll('\\', '/')));
      watcher.on('error', (error) => this.#limit(error));
      watcher.unref();
      return watcher;
    } catch (error) {
      this.#limit(error);
      return undefined;
    }
  }

  #limit(error: unknown): void {
    if (this.#limited) return;
    this.#limited = true;
    const code = systemCode(error);
    this.#listener.limited(code === 'ENOSPC' || code === 'EMFILE' ? 'the system allows no more watches (fs.inotify.max_user_watches, fs.inotify.max_user_instances)' : String(error));
  }
}
