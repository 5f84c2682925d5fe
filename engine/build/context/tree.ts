import { Buffer } from 'node:buffer';
import { constants, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type * as Native from '#native';
import { listFolder } from '../../host/folderListing.ts';
import type { FileStats } from '../../host/folderListing.ts';
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
  readonly stats: FileStats;
  /** Where a link leads. */
  readonly link?: string;
  /** sha256 of a file's content, in hex, once somebody has asked for it. */
  digest?: string | undefined;
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
  const location = join(root, rootPath);
  await visit({ root, filter, signal, start: rootPath, native: await addOn() }, { rootPath, stats: lstatSync(location, { bigint: true }) }, found);
  return found;
}

interface Walk {
  readonly root: string;
  readonly start: string;
  readonly filter: TreeFilter | undefined;
  readonly signal: AbortSignal | undefined;
  readonly native: typeof Native | undefined;
}

interface Found {
  readonly rootPath: string;
  readonly stats: FileStats;
}

/** Nothing where it was not built: what needs no more than folders of files works without it too. */
function addOn(): Promise<typeof Native | undefined> {
  return import('#native').catch(() => undefined);
}

async function visit(walk: Walk, at: Found, found: TreeEntry[]): Promise<void> {
  const { rootPath } = at;
  const entry = entryOf(walk, at);
  if (!entry) return;
  const ignored = rootPath !== '' && (walk.filter?.ignores(rootPath) ?? false);
  if (entry.type !== 'folder') {
    if (!ignored) found.push(entry);
    return;
  }
  if (ignored && !walk.filter?.mayKeepBelow(rootPath)) return;
  await breathe(walk.signal);
  const before = found.push(entry);
  for (const below of inside(walk, entry)) await visit(walk, below, found);
  if (ignored && found.length === before) found.pop();
}

/** What is in a folder, names in order. */
function inside({ native }: Walk, { rootPath, location }: TreeEntry): Found[] {
  const files = native ? listFolder(native, Buffer.from(location)).map((stats) => ({ name: stats.name('utf8'), stats })) : readdirSync(location).map((name) => ({ name, stats: lstatSync(join(location, name), { bigint: true }) }));
  return files.sort((one, two) => (one.name < two.name ? -1 : 1)).map(({ name, stats }) => ({ rootPath: rootPath === '' ? name : `${rootPath}/${name}`, stats }));
}

function entryOf(walk: Walk, { rootPath, stats }: Found): TreeEntry | undefined {
  const location = rootPath === '' ? walk.root : `${walk.root}/${rootPath}`;
  const path = walk.start === '' ? rootPath : rootPath.slice(walk.start.length + 1);
  const base = { path, rootPath, location, stats };
  switch (Number(stats.mode) & constants.S_IFMT) {
    case constants.S_IFREG:
      return { ...base, type: 'file' };
    case constants.S_IFDIR:
      return { ...base, type: 'folder' };
    case constants.S_IFLNK:
      return { ...base, type: 'link', link: readlinkSync(location) };
    case constants.S_IFSOCK:
      return undefined;
    default:
      return { ...base, type: 'special' };
  }
}
