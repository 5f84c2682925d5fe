import type { BigIntStats } from 'node:fs';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { breathe } from '../solve/breathe.ts';

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
  /** sha256 of a file's content, in hex, once somebody has asked for it. */
  digest?: string;
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
  const entry = readEntry(walk, rootPath);
  if (!entry) return;
  const ignored = rootPath !== '' && (walk.filter?.ignores(rootPath) ?? false);
  if (entry.type !== 'folder') {
    if (!ignored) found.push(entry);
    return;
  }
  if (ignored && !walk.filter?.mayKeepBelow(rootPath)) return;
  await breathe(walk.signal);
  const before = found.push(entry);
  for (const name of readdirSync(entry.location).sort()) await visit(walk, rootPath === '' ? name : `${rootPath}/${name}`, found);
  if (ignored && found.length === before) found.pop();
}

function readEntry(walk: Walk, rootPath: string): TreeEntry | undefined {
  const location = join(walk.root, rootPath);
  const stats = lstatSync(location, { bigint: true });
  const path = walk.start === '' ? rootPath : rootPath.slice(walk.start.length + 1);
  const base = { path, rootPath, location, stats };
  if (stats.isFile()) return { ...base, type: 'file' };
  if (stats.isDirectory()) return { ...base, type: 'folder' };
  if (stats.isSymbolicLink()) return { ...base, type: 'link', link: readlinkSync(location) };
  return stats.isSocket() ? undefined : { ...base, type: 'special' };
}
