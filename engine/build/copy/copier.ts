import { chmodSync, constants, lchownSync, linkSync, lstatSync, lutimesSync, mkdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../host/process.ts';
import { ownerHere } from '../../host/userNamespace.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';
import type { TreeEntry } from '../context/tree.ts';
import { breathe } from '../solve/breathe.ts';
import { changedMode } from './mode.ts';
import type { ModeChange } from './mode.ts';
import { destinationOf } from './destination.ts';
import type { Owner } from './owner.ts';
import type { SelectedSource } from './selectSources.ts';
import type { FormerLayer, WantedFile } from './formerLayer.ts';
import { copySmallFile, SMALL_FILE } from './smallFile.ts';

export interface CopyRules {
  /** The file system as it is, only looked at: nothing outside it is touched, whatever links are in it. */
  readonly view: string;
  /**
   * The layer being made, which lies on top of the view. It is written to directly and not through a mounted overlay, where
   * making a file takes three times as long.
   */
  readonly upper: string;
  /** Who owns what is copied; absent: whoever owns the source. */
  readonly owner?: Owner;
  /** Who owns folders that have to be made on the way. */
  readonly madeBy: Owner;
  readonly mode?: ModeChange;
  /** The layer that the same instruction made before, whose files need not be made again. */
  readonly former?: FormerLayer | undefined;
  /** Milliseconds since 1970: what the time of every file will be set to afterwards. */
  readonly mtime?: number | undefined;
  readonly signal: AbortSignal;
}

const COPY_FLAGS = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/** Bytes that a file must have less on disk than its size says for a process to copy it: the host's cp keeps holes, copy_file_range fills them. */
const HOLES = 1n << 20n;
const SECTOR = 512n;

/** What is at the destination cannot give way to what is copied. */
export class CopyConflict extends Error {
  override readonly name = 'CopyConflict';
}

/** Copies files and folders onto a file system by making a layer, with modes, times, links and hard links. */
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
    this.#linked.clear();
    const isFolder = first.type === 'folder';
    const target = source.parents === undefined ? destinationOf({ name: source.name, isFolder }, dest, isFolder || (await this.#isFolder(dest))) : join(dest, source.parents);
    if (isFolder) return this.#copyFolder(rest, target);
    // A link at the destination is followed, within the root (Docker's rule).
    const real = await this.#resolve(target);
    await this.makeFolders(dirname(`/${real}`));
    await this.#copyEntry(first, real);
  }

  /** Makes a folder and those above it, as far as they are not there; returns its path without links, relative to the root. */
  async makeFolders(path: string): Promise<string> {
    const real = await this.#resolve(path);
    const names = real.split('/').filter((name) => name !== '');
    for (const [index] of names.entries()) this.#makeFolder(names.slice(0, index + 1).join('/'));
    return real;
  }

  /** Copies what is in a folder. The target itself, when it has to be made, is an ordinary new folder (Docker's rule). */
  async #copyFolder(entries: readonly TreeEntry[], target: string): Promise<void> {
    const real = await this.makeFolders(target);
    for (const entry of entries) {
      if (entry.type === 'folder') this.#makeFolder(join(real, entry.path));
      else await this.#copyEntry(entry, join(real, entry.path));
    }
    // Deepest first: writing into a folder changes its times.
    for (const entry of entries.filter(({ type }) => type === 'folder').reverse()) this.#finish(entry, join(this.#rules.upper, real, entry.path));
  }

  /** A folder of the layer: like the one below it if there is one, else new. */
  #makeFolder(path: string): void {
    const there = this.#stats(path);
    if (there && !there.isDirectory()) throw new CopyConflict(`cannot copy to non-directory: /${path}`);
    const location = join(this.#rules.upper, path);
    if (there && statsOf(location)) return;
    mkdirSync(location);
    const { madeBy } = this.#rules;
    chmodSync(location, there ? there.mode & 0o7777 : 0o755);
    const { uid, gid } = ownerHere(there ?? madeBy, `/${path}`);
    lchownSync(location, uid, gid);
  }

  async #copyEntry(entry: TreeEntry, path: string): Promise<void> {
    await breathe(this.#rules.signal);
    const location = join(this.#rules.upper, path);
    this.#clear(path, location);
    if (entry.type === 'link') symlinkSync(entry.link ?? '', location);
    else if (entry.type === 'special') await run('cp', ['-a', '--', entry.location, location], { signal: this.#rules.signal });
    else if (this.#hardLink(entry, location) || this.#rules.former?.link(path, location, this.#wanted(entry))) return;
    else if (hasHoles(entry)) await run('cp', ['--', entry.location, location], { signal: this.#rules.signal });
    else if (entry.stats.size > SMALL_FILE || !copySmallFile(entry.location, location)) await copyFile(entry.location, location, COPY_FLAGS);
    this.#finish(entry, location);
  }

  /** What a file will be once it is copied. */
  #wanted({ location, path, stats }: TreeEntry): WantedFile {
    const { owner, mode, mtime } = this.#rules;
    const own = Number(stats.mode & 0o7777n);
    const ids = ownerHere(owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) }, path);
    return { location, size: Number(stats.size), ...ids, mode: mode === undefined ? own : changedMode(mode, own, false), mtime: mtime ?? Number(stats.mtimeNs) / 1e6 };
  }

  #hardLink(entry: TreeEntry, location: string): boolean {
    if (entry.stats.nlink <= 1n) return false;
    const inode = `${entry.stats.dev}:${entry.stats.ino}`;
    const first = this.#linked.get(inode);
    if (first === undefined) this.#linked.set(inode, location);
    else linkSync(first, location);
    return first !== undefined;
  }

  /** A file gives way to what is copied over it; a folder does not. */
  #clear(path: string, location: string): void {
    if (this.#stats(path)?.isDirectory()) throw new CopyConflict(`cannot overwrite the directory /${path} with a file`);
    rmSync(location, { force: true });
  }

  #finish(entry: TreeEntry, location: string): void {
    const { stats } = entry;
    const { owner, mode } = this.#rules;
    const { uid, gid } = ownerHere(owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) }, entry.path);
    lchownSync(location, uid, gid);
    const atime = Number(stats.atimeNs) / 1e9;
    const mtime = Number(stats.mtimeNs) / 1e9;
    if (entry.type === 'link') return lutimesSync(location, atime, mtime);
    // After the owner: changing that clears set-user-ID.
    const own = Number(stats.mode & 0o7777n);
    chmodSync(location, mode === undefined ? own : changedMode(mode, own, entry.type === 'folder'));
    utimesSync(location, atime, mtime);
  }

  async #isFolder(dest: string): Promise<boolean> {
    return this.#stats(await this.#resolve(dest))?.isDirectory() ?? false;
  }

  #resolve(path: string): Promise<string> {
    return resolveInRoot([this.#rules.upper, this.#rules.view], path);
  }

  /** What is at a path without links: in the layer, else below it. */
  #stats(path: string): Stats | undefined {
    return statsOf(join(this.#rules.upper, path)) ?? statsOf(join(this.#rules.view, path));
  }
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function hasHoles({ stats }: TreeEntry): boolean {
  return stats.size - stats.blocks * SECTOR >= HOLES;
}
