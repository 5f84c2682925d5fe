import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Tells when a file appears or is replaced, also when its folder does not exist yet: watches the nearest folder that
 * exists and moves closer as folders are made. Uses the system's notifications; nothing is polled.
 */
export class FileAppearance {
  readonly #path: string;
  readonly #onChange: () => void;
  #watcher: FSWatcher | undefined;
  #watched = '';

  constructor(path: string, onChange: () => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#arm();
  }

  dispose(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = 'disposed';
  }

  #arm(): void {
    const folder = nearestFolder(dirname(this.#path));
    const key = identity(folder);
    if (key === this.#watched || this.#watched === 'disposed') return;
    this.#watcher?.close();
    this.#watched = key;
    try {
      this.#watcher = watch(folder, { persistent: false }, (_event, name) => this.#heard(folder, name));
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Not allowed to watch here: only a refresh by hand will notice.
      this.#watcher = undefined;
    }
    // What happened between looking and watching.
    if (identity(nearestFolder(dirname(this.#path))) !== key) this.#arm();
  }

  #heard(folder: string, name: string | null): void {
    const before = this.#watched;
    this.#arm();
    const moved = this.#watched !== before;
    if (moved || (folder === dirname(this.#path) && (name === null || name === basename(this.#path)))) this.#onChange();
  }
}

function nearestFolder(path: string): string {
  let folder = path;
  while (identity(folder) === '' && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Which folder is at a path now: a folder made again under the same name is another one. Empty: none that we may see. */
function identity(path: string): string {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? `${path}:${stat.dev}:${stat.ino}` : '';
  } catch {
    return '';
  }
}
