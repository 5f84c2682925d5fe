import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { shortRandom } from '../base/ids.ts';
import { removeFolder } from '../base/removeFolder.ts';
import { listMounts, unmount } from '../host/mounts.ts';

/** A folder that is gone once disposed. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

/** The builder's temporary folders, all in `build-cache/tmp/`: whatever is in there at the start of the engine is left over. */
export class TempFolders {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async create(): Promise<TempFolder> {
    const path = join(this.#folder, shortRandom());
    await mkdir(path, { recursive: true, mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => removeFolder(path) };
  }

  /** Unmounts and removes everything: for the start of the engine, when no build runs. */
  async clear(): Promise<void> {
    const mounts = (await listMounts()).map((mount) => mount.target).filter((target) => target.startsWith(`${this.#folder}/`));
    await unmount(...mounts.reverse());
    const names = await readdir(this.#folder).catch(() => []);
    await Promise.all(names.map((name) => removeFolder(join(this.#folder, name))));
  }
}
