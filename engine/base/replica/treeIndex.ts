import type { Stats } from 'node:fs';
import type { Entry } from '../sync/entry.ts';
import { sameEntry } from '../sync/entry.ts';
import { nameOf, parentOf } from '../sync/paths.ts';

/** By what a changed file is told without reading it. */
export interface StatMark {
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly inode: number;
}

export interface Indexed {
  readonly entry: Entry;
  /** Of files and links. */
  readonly mark?: StatMark;
  /** It was written just before it was read: the next look reads it again whatever the times say. */
  readonly fresh?: boolean;
}

export function markOf(stats: Stats): StatMark {
  return { size: stats.size, mtime: stats.mtimeMs, ctime: stats.ctimeMs, inode: stats.ino };
}

export function sameMark(one: StatMark | undefined, other: StatMark): boolean {
  return one !== undefined && one.size === other.size && one.mtime === other.mtime && one.ctime === other.ctime && one.inode === other.inode;
}

/** What a folder was seen to hold, and what of it changed since that was last asked. */
export class TreeIndex {
  readonly #entries = new Map<string, Indexed>();
  readonly #names = new Map<string, Set<string>>();
  #changes = new Map<string, Entry | undefined>();

  get(path: string): Indexed | undefined {
    return this.#entries.get(path);
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): Iterable<[string, Indexed]> {
    return this.#entries;
  }

  /** The names known in a folder. */
  namesIn(folder: string): Iterable<string> {
    return this.#names.get(folder) ?? [];
  }

  set(path: string, indexed: Indexed): void {
    const before = this.#entries.get(path);
    this.#entries.set(path, indexed);
    if (before === undefined) this.#namesOf(parentOf(path)).add(nameOf(path));
    else if (before.entry.kind === 'folder' && indexed.entry.kind !== 'folder') this.#removeBelow(path);
    if (!sameEntry(before?.entry, indexed.entry)) this.#changes.set(path, indexed.entry);
  }

  /** Takes a path out, with everything below it. */
  remove(path: string): void {
    const before = this.#entries.get(path);
    if (before === undefined) return;
    if (before.entry.kind === 'folder') this.#removeBelow(path);
    this.#entries.delete(path);
    this.#names.get(parentOf(path))?.delete(nameOf(path));
    this.#changes.set(path, undefined);
  }

  /** What was made by us, and so is no news. */
  acknowledge(path: string): void {
    this.#changes.delete(path);
  }

  takeChanges(): Array<readonly [string, Entry | undefined]> {
    const changes = [...this.#changes];
    this.#changes = new Map();
    return changes;
  }

  #removeBelow(folder: string): void {
    for (const name of [...this.namesIn(folder)]) this.remove(`${folder}/${name}`);
    this.#names.delete(folder);
  }

  #namesOf(folder: string): Set<string> {
    const known = this.#names.get(folder);
    if (known) return known;
    const names = new Set<string>();
    this.#names.set(folder, names);
    return names;
  }
}
