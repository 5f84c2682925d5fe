import { chmod, copyFile, lchown, link, lstat, lutimes, mkdir, rm, stat, symlink, utimes, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { run } from '../../host/process.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';
import type { TreeEntry } from '../context/tree.ts';
import { mapBounded } from '../solve/mapBounded.ts';
import { destinationOf } from './destination.ts';
import type { Owner } from './owner.ts';
import type { SelectedSource } from './selectSources.ts';

export interface CopyRules {
  /** The root that is written to; nothing outside it is touched, whatever links are in it. */
  readonly root: string;
  /** Who owns what is copied; absent: whoever owns the source. */
  readonly owner?: Owner;
  /** Who owns folders that have to be made on the way. */
  readonly madeBy: Owner;
  readonly mode?: number;
  readonly signal: AbortSignal;
}

/** What is at the destination cannot give way to what is copied. */
export class CopyConflict extends Error {
  override readonly name = 'CopyConflict';
}

/** Copies files and folders into a root, with modes, times, links and hard links. */
export class Copier {
  readonly #rules: CopyRules;
  /** device:inode → where the first name of it went. */
  readonly #linked = new Map<string, string>();

  constructor(rules: CopyRules) {
    this.#rules = rules;
  }

  /** Copies one source to `dest` (absolute in the root; a slash at the end: a folder). */
  async copy(source: SelectedSource, dest: string): Promise<void> {
    const [first, ...rest] = source.entries;
    if (!first) return;
    const isFolder = first.type === 'folder';
    const target = destinationOf({ name: source.name, isFolder }, dest, isFolder || (await this.#isFolder(dest)));
    if (isFolder) return this.#copyFolder(rest, target);
    // A link at the destination is followed, within the root (Docker's rule).
    const real = await resolveInRoot(this.#rules.root, target);
    await this.makeFolders(dirname(`/${real}`));
    await this.#copyEntry(first, join(this.#rules.root, real));
  }

  /** Makes a folder and those above it; returns where it is on this host. */
  async makeFolders(path: string): Promise<string> {
    const names = (await resolveInRoot(this.#rules.root, path)).split('/').filter((name) => name !== '');
    let location = this.#rules.root;
    for (const name of names) {
      location = join(location, name);
      const there = await lstat(location).catch(() => undefined);
      if (there?.isDirectory()) continue;
      if (there) throw new CopyConflict(`cannot copy to non-directory: ${location.slice(this.#rules.root.length)}`);
      await mkdir(location);
      await chmod(location, 0o755);
      await lchown(location, this.#rules.madeBy.uid, this.#rules.madeBy.gid);
    }
    return location;
  }

  /** Copies what is in a folder. The target itself, when it has to be made, is an ordinary new folder (Docker's rule). */
  async #copyFolder(entries: readonly TreeEntry[], target: string): Promise<void> {
    const real = await this.makeFolders(target);
    const folders = entries.filter((entry) => entry.type === 'folder');
    for (const entry of folders) await this.#makeFolder(join(real, entry.path), entry.path);
    const files = entries.filter((entry) => entry.type !== 'folder');
    // Names of one file are copied in order, so that the later ones find the first.
    await mapBounded(files.filter((entry) => entry.stats.nlink === 1n), 8, (entry) => this.#copyEntry(entry, join(real, entry.path)));
    for (const entry of files.filter((entry) => entry.stats.nlink > 1n)) await this.#copyEntry(entry, join(real, entry.path));
    // Deepest first: writing into a folder changes its times.
    for (const entry of folders.reverse()) await this.#finish(entry, join(real, entry.path));
  }

  async #makeFolder(location: string, shown: string): Promise<void> {
    try {
      await mkdir(location);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      if (!(await lstat(location)).isDirectory()) throw new CopyConflict(`cannot copy to non-directory: ${shown}`, { cause: error });
    }
  }

  async #copyEntry(entry: TreeEntry, location: string): Promise<void> {
    this.#rules.signal.throwIfAborted();
    await this.#clear(location);
    if (entry.type === 'link') await symlink(entry.link ?? '', location);
    else if (entry.type === 'special') await run('cp', ['-a', '--', entry.location, location], { signal: this.#rules.signal });
    else if (await this.#hardLink(entry, location)) return;
    else await copyFile(entry.location, location, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await this.#finish(entry, location);
  }

  async #hardLink(entry: TreeEntry, location: string): Promise<boolean> {
    if (entry.stats.nlink <= 1n) return false;
    const inode = `${entry.stats.dev}:${entry.stats.ino}`;
    const first = this.#linked.get(inode);
    if (first === undefined) this.#linked.set(inode, location);
    else await link(first, location);
    return first !== undefined;
  }

  /** A file gives way to what is copied over it; a folder does not. */
  async #clear(location: string): Promise<void> {
    const stats = await lstat(location).catch(() => undefined);
    if (!stats) return;
    if (stats.isDirectory()) throw new CopyConflict(`cannot overwrite the directory ${location.slice(this.#rules.root.length)} with a file`);
    await rm(location);
  }

  async #finish(entry: TreeEntry, location: string): Promise<void> {
    const { stats } = entry;
    const { owner, mode } = this.#rules;
    await lchown(location, owner?.uid ?? Number(stats.uid), owner?.gid ?? Number(stats.gid));
    const atime = Number(stats.atimeNs) / 1e9;
    const mtime = Number(stats.mtimeNs) / 1e9;
    if (entry.type === 'link') return lutimes(location, atime, mtime);
    // After the owner: changing that clears set-user-ID.
    await chmod(location, mode ?? Number(stats.mode & 0o7777n));
    await utimes(location, atime, mtime);
  }

  async #isFolder(dest: string): Promise<boolean> {
    const location = join(this.#rules.root, await resolveInRoot(this.#rules.root, dest));
    return stat(location).then((stats) => stats.isDirectory()).catch(() => false);
  }
}
