import { linkSync, lstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { sameSmallFiles } from './smallFile.ts';

/** What a file is to be in the new layer. */
export interface WantedFile {
  /** What it is a copy of. */
  readonly location: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
}

/** Far from what a file system allows (65,000 on ext4). */
const MOST_LINKS = 30_000;
/** Milliseconds that are lost when a time is set. */
const PRECISION = 0.002;

/**
 * The layer that the same instruction made the last time. Files of it that would be made again just so are linked to: making thousands of
 * files takes far longer than comparing them. Layers are never written to, so that nobody sees more of it than a count of links.
 */
export class FormerLayer {
  readonly #root: string;
  /** A file is taken once: names that are links to each other in that layer need not be so now. */
  readonly #taken = new Set<number>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes `to` (absolute) the file that has this path in the former layer, if it is what is wanted. */
  link(path: string, to: string, wanted: WantedFile): boolean {
    try {
      const from = join(this.#root, path);
      const stats = lstatSync(from, { throwIfNoEntry: false });
      if (!stats || this.#taken.has(stats.ino) || !isAsWanted(stats, wanted) || !sameSmallFiles(from, wanted.location)) return false;
      linkSync(from, to);
      this.#taken.add(stats.ino);
      return true;
    } catch {
      return false; // it is being removed, or may not be linked to: it is copied, then
    }
  }
}

function isAsWanted(stats: Stats, { size, mode, uid, gid, mtime }: WantedFile): boolean {
  return stats.isFile() && stats.nlink < MOST_LINKS && stats.size === size && (stats.mode & 0o7777) === mode && stats.uid === uid && stats.gid === gid && Math.abs(stats.mtimeMs - mtime) < PRECISION;
}
