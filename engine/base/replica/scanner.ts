import type { Stats } from 'node:fs';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { systemCode } from '../errors.ts';
import type { Entry } from '../sync/entry.ts';
import { childPath, foldersAbove, nameOf, parentOf } from '../sync/paths.ts';
import type { PathFilter } from '../sync/ruleSet.ts';
import { breathe, isLong } from './breathe.ts';
import { digestFile } from './contentDigest.ts';
import { FolderWalk, isMissing } from './folderWalk.ts';
import type { Indexed, TreeIndex } from './treeIndex.ts';
import { markOf, sameMark } from './treeIndex.ts';

/** A file written this recently can be written again without its times showing it. */
const SETTLED_MS = 100;

export interface ScanParts {
  readonly root: string;
  readonly index: TreeIndex;
  /** Files that an earlier run looked at. */
  readonly remembered: Map<string, Indexed>;
  readonly modes: boolean;
  readonly normalizing: boolean;
  /** Whether the other side has a path spelt like this. */
  readonly knows: (path: string) => boolean;
  /** Hears of each folder before it is read, with a place where it can be opened now. */
  readonly onFolder: (path: string, place: string, inode: number) => void;
  readonly onFolderGone: (path: string) => void;
  /** Hears of a folder's ignore file, before what it is about is looked at; absent: rules come from elsewhere. */
  readonly onIgnoreFile?: (folder: string, text: string) => void;
}

/** Looks at a folder, or at some paths in it, and brings the index up to date. */
export class Scanner {
  readonly #parts: ScanParts;
  readonly problems = new Map<string, string>();
  readonly busy = new Set<string>();
  /** Files that changed while they were read: to be looked at again soon. */
  readonly restless = new Set<string>();

  constructor(parts: ScanParts) {
    this.#parts = parts;
  }

  async scanAll(filter: PathFilter): Promise<void> {
    this.problems.clear();
    this.busy.clear();
    using walk = new FolderWalk(this.#parts.root);
    const prefix = walk.enter('');
    this.#parts.onFolder('', prefix, lstatSync(`${prefix}.`).ino);
    await this.#scanNames(walk, '', filter);
    this.#parts.remembered.clear();
  }

  async scanPaths(paths: Iterable<string>, filter: PathFilter): Promise<void> {
    using walk = new FolderWalk(this.#parts.root);
    const done = new Set<string>();
    for (const wanted of [...paths].sort()) {
      const path = this.#firstUnknown(this.#spelt(wanted));
      if (path === undefined || done.has(path) || this.#isBelowIgnored(path, filter)) continue;
      done.add(path);
      this.#noteLock(walk, path);
      await this.#scanPath(walk, path, filter);
      if (isLong()) await breathe();
    }
  }

  /** Where a name can be written in two ways, the way that is known already, whatever the system says. */
  #spelt(path: string): string {
    if (!this.#parts.normalizing) return path;
    const composed = path.normalize('NFC');
    for (const spelling of [path, composed, path.normalize('NFD')]) if (this.#parts.index.get(spelling) !== undefined || this.#parts.knows(spelling)) return spelling;
    return composed;
  }

  /** The path itself, or the nearest folder above that was not known until now. */
  #firstUnknown(path: string): string | undefined {
    let first = path;
    for (const folder of foldersAbove(path)) {
      const known = this.#parts.index.get(folder);
      if (known === undefined) first = folder;
      else if (known.entry.kind !== 'folder') first = folder;
    }
    return first;
  }

  #isBelowIgnored(path: string, filter: PathFilter): boolean {
    for (const folder of foldersAbove(path)) if (filter.ignores(folder, true) && !filter.mayKeepBelow(folder)) return true;
    return false;
  }

  async #scanNames(walk: FolderWalk, folder: string, filter: PathFilter): Promise<void> {
    let names: string[];
    try {
      names = readdirSync(walk.enter(folder));
    } catch (error) {
      if (isMissing(error)) return;
      this.#problem(folder, error);
      return;
    }
    this.#readIgnoreFile(walk, folder, names);
    if (nameOf(folder) === '.git' && names.some((name) => name.endsWith('.lock'))) this.busy.add(folder);
    const found = new Set<string>();
    for (const raw of names) {
      const path = this.#spelt(childPath(folder, raw));
      const name = nameOf(path);
      if (name.includes('\uFFFD')) this.problems.set(path, 'its name is not valid UTF-8');
      else await this.#scanPath(walk, path, filter);
      found.add(name);
      if (isLong()) await breathe();
    }
    for (const name of [...this.#parts.index.namesIn(folder)]) if (!found.has(name)) this.#gone(childPath(folder, name));
  }

  async #scanPath(walk: FolderWalk, path: string, filter: PathFilter): Promise<void> {
    this.problems.delete(path);
    try {
      const place = walk.enter(parentOf(path)) + nameOf(path);
      const stats = lstatSync(place);
      const isFolder = stats.isDirectory();
      if (filter.ignores(path, isFolder) && !(isFolder && filter.mayKeepBelow(path))) {
        this.#gone(path);
        return;
      }
      if (isFolder) await this.#scanFolder(walk, path, stats, filter);
      else await this.#scanLeaf(path, place, stats);
    } catch (error) {
      if (isMissing(error)) this.#gone(path);
      else this.#problem(path, error);
    }
  }

  async #scanFolder(walk: FolderWalk, path: string, stats: Stats, filter: PathFilter): Promise<void> {
    this.#set(path, { entry: { kind: 'folder', mode: this.#mode(stats, 0o755) } });
    this.#parts.onFolder(path, walk.enter(path), stats.ino);
    await this.#scanNames(walk, path, filter);
  }

  async #scanLeaf(path: string, place: string, stats: Stats): Promise<void> {
    if (stats.isSymbolicLink()) this.#set(path, { entry: { kind: 'link', target: readlinkSync(place) }, mark: markOf(stats) });
    else if (stats.isFile()) await this.#scanFile(path, place, stats);
    else this.problems.set(path, `it is a ${special(stats)}, which cannot be synced`);
  }

  async #scanFile(path: string, place: string, stats: Stats): Promise<void> {
    const indexed = this.#parts.index.get(path);
    const known = indexed ?? this.#parts.remembered.get(path);
    const mode = this.#mode(stats, 0o644);
    const mark = markOf(stats);
    if (known?.entry.kind === 'file' && known.fresh !== true && sameMark(known.mark, mark)) {
      if (indexed === undefined || known.entry.mode !== mode) this.#set(path, { entry: { ...known.entry, mode }, mark });
      return;
    }
    const now = Date.now();
    const read = await digestFile(path, place);
    if (read === undefined) {
      this.restless.add(path);
      return;
    }
    const entry: Entry = { kind: 'file', mode: this.#mode(read.stats, 0o644), size: read.stats.size, digest: read.digest };
    this.#set(path, now - read.stats.ctimeMs > SETTLED_MS ? { entry, mark: markOf(read.stats) } : { entry, mark: markOf(read.stats), fresh: true });
  }

  #set(path: string, indexed: Indexed): void {
    if (this.#parts.index.get(path)?.entry.kind === 'folder' && indexed.entry.kind !== 'folder') this.#parts.onFolderGone(path);
    this.#parts.index.set(path, indexed);
  }

  #gone(path: string): void {
    if (this.#parts.index.get(path)?.entry.kind === 'folder') this.#parts.onFolderGone(path);
    this.#parts.index.remove(path);
  }

  /** Where permissions are not kept, the other side's shall stay: the index says what it said before. */
  #mode(stats: Stats, otherwise: number): number {
    return this.#parts.modes ? stats.mode & 0o777 : otherwise;
  }

  #readIgnoreFile(walk: FolderWalk, folder: string, names: readonly string[]): void {
    const { onIgnoreFile } = this.#parts;
    if (onIgnoreFile === undefined) return;
    const file = folder === '' || nameOf(folder) !== '.git' ? '.gitignore' : undefined;
    try {
      if (file !== undefined && names.includes(file) && lstatSync(walk.enter(folder) + file).isFile()) onIgnoreFile(folder, readFileSync(walk.enter(folder) + file, 'utf8'));
    } catch (error) {
      this.#problem(childPath(folder, file ?? ''), error);
    }
  }

  #noteLock(walk: FolderWalk, path: string): void {
    const folder = parentOf(path);
    if (nameOf(folder) !== '.git' || !path.endsWith('.lock')) return;
    try {
      if (readdirSync(walk.enter(folder)).some((name) => name.endsWith('.lock'))) this.busy.add(folder);
      else this.busy.delete(folder);
    } catch {
      this.busy.delete(folder);
    }
  }

  #problem(path: string, error: unknown): void {
    const code = systemCode(error);
    this.problems.set(path, code === 'EACCES' || code === 'EPERM' ? 'it may not be read' : error instanceof Error ? error.message.replace(/\/proc\/self\/fd\/\d+\//g, '') : String(error));
  }
}

function special(stats: Stats): string {
  if (stats.isSocket()) return 'socket';
  if (stats.isFIFO()) return 'named pipe';
  return 'device';
}
