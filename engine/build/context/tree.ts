import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** A file, folder, link or special file below the start of a walk. */
export interface TreeEntry {
  /** Relative to the start of the walk; '' for the start itself. */
  readonly path: string;
  /** Relative to the root of the tree. */
  readonly rootPath: string;
  /** Where it is on this host. */
  readonly location: string;
  readonly type: 'file' | 'folder' | 'link' | 'special';
  readonly stats: BigIntStats;
  /** Where a link leads. */
  readonly link?: string;
}

/** Decides what of a tree is left out. */
export interface TreeFilter {
  ignores(path: string): boolean;
  mayKeepBelow(path: string): boolean;
}

/**
 * Everything at and below `rootPath`, each folder before what is in it, names in order. Links are never followed.
 * Sockets are left out. A folder that is ignored is listed only when something below it is kept.
 */
export async function readTree(root: string, rootPath: string, filter?: TreeFilter, signal?: AbortSignal): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  await visit({ root, filter, signal, start: rootPath }, rootPath, found);
  return found;
}

interface Walk {
  readonly root: string;
  readonly start: string;
  readonly filter: TreeFilter | undefined;
  readonly signal: AbortSignal | undefined;
}

async function visit(walk: Walk, rootPath: string, found: TreeEntry[]): Promise<void> {
  const entry = await readEntry(walk, rootPath);
  if (!entry) return;
  const ignored = rootPath !== '' && (walk.filter?.ignores(rootPath) ?? false);
  if (entry.type !== 'folder') {
    if (!ignored) found.push(entry);
    return;
  }
  if (ignored && !walk.filter?.mayKeepBelow(rootPath)) return;
  walk.signal?.throwIfAborted();
  const names = (await readdir(entry.location)).sort();
  const lists = await Promise.all(
    names.map(async (name) => {
      const below: TreeEntry[] = [];
      await visit(walk, rootPath === '' ? name : `${rootPath}/${name}`, below);
      return below;
    }),
  );
  if (ignored && lists.every((list) => list.length === 0)) return;
  found.push(entry);
  for (const list of lists) for (const item of list) found.push(item);
}

async function readEntry(walk: Walk, rootPath: string): Promise<TreeEntry | undefined> {
  const location = join(walk.root, rootPath);
  const stats = await lstat(location, { bigint: true });
  const path = walk.start === '' ? rootPath : rootPath.slice(walk.start.length + 1);
  const base = { path, rootPath, location, stats };
  if (stats.isFile()) return { ...base, type: 'file' };
  if (stats.isDirectory()) return { ...base, type: 'folder' };
  if (stats.isSymbolicLink()) return { ...base, type: 'link', link: await readlink(location) };
  return stats.isSocket() ? undefined : { ...base, type: 'special' };
}
