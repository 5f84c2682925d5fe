import { linkSync, lstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { sameSmallFiles } from './smallFile.ts';

/** A file of a layer. */
export interface LayerFile {
  /** sha256 of its content; absent: not known. */
  readonly digest?: string | undefined;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
}

/** What a file is to be in the new layer. */
export interface WantedFile extends LayerFile {
  /** What it is a copy of. */
  readonly location: string;
}

/** Layers whose files are remembered. */
const MOST_LAYERS = 8;
/** Files that are remembered, of all layers; each takes some two hundred bytes. */
const MOST_FILES = 50_000;

/** What the copies of late put into their layers, path by path, so that the next one need not read what was not changed. Losing it costs time only. */
export class CopiedFiles {
  readonly #layers = new Map<string, ReadonlyMap<string, LayerFile>>();

  of(snapshotId: string): ReadonlyMap<string, LayerFile> | undefined {
    return this.#layers.get(snapshotId);
  }

  /** The oldest are forgotten for it. */
  remember(snapshotId: string, files: ReadonlyMap<string, LayerFile>): void {
    this.#layers.set(snapshotId, files);
    let count = [...this.#layers.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [oldest, { size }] of this.#layers) {
      if (count <= MOST_FILES && this.#layers.size <= MOST_LAYERS) return;
      this.#layers.delete(oldest);
      count -= size;
    }
  }
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
  readonly #known: ReadonlyMap<string, LayerFile> | undefined;
  /** A file is taken once: names that are links to each other in that layer need not be so now. */
  readonly #taken = new Set<number>();

  /** `known`: what is remembered of its files; others are looked at. */
  constructor(root: string, known?: ReadonlyMap<string, LayerFile>) {
    this.#root = root;
    this.#known = known;
  }

  /** Whether the file that has this path is known to be what is wanted, without a look at it. */
  remembers(path: string, wanted: WantedFile): boolean {
    const known = this.#known?.get(path);
    return known?.digest !== undefined && wanted.digest !== undefined && isSame(known, wanted);
  }

  /** Gives the paths the files that they have in the former layer, in the layer at `upper`; returns those for which that did not go. */
  async linkAll(paths: readonly string[], upper: string): Promise<string[]> {
    if (paths.length === 0) return [];
    const { linkAll } = await import('#native');
    const half = Math.ceil(paths.length / 2); // the disk's journal is shared: more than two at a time gain nothing
    const parts = [paths.slice(0, half), paths.slice(half)].filter((part) => part.length > 0);
    const failed = parts.map(async (part) => {
      // A layer that is gone by now gives none: they are copied, then.
      const made = await linkAll(Buffer.from(this.#root), Buffer.from(upper), Buffer.from(`${part.join('\0')}\0`)).catch(() => undefined);
      return part.filter((_path, index) => made?.[index] !== 1);
    });
    return (await Promise.all(failed)).flat();
  }

  /** Makes `to` (absolute) the file that has this path in the former layer, if it is what is wanted; how that is known. */
  link(path: string, to: string, wanted: WantedFile): 'remembered' | 'compared' | undefined {
    try {
      const from = join(this.#root, path);
      const known = this.#known?.get(path);
      if (known?.digest !== undefined && wanted.digest !== undefined) {
        if (!isSame(known, wanted)) return undefined;
        linkSync(from, to);
        return 'remembered';
      }
      const stats = lstatSync(from, { throwIfNoEntry: false });
      if (!stats || this.#taken.has(stats.ino) || !isAsWanted(stats, wanted) || !sameSmallFiles(from, wanted.location)) return undefined;
      linkSync(from, to);
      this.#taken.add(stats.ino);
      return 'compared';
    } catch {
      return undefined; // it is being removed, or may not be linked to: it is copied, then
    }
  }
}

/** What is remembered of a file. */
export function layerFile({ digest, size, mode, uid, gid, mtime }: LayerFile): LayerFile {
  return { digest, size, mode, uid, gid, mtime };
}

function isSame(one: LayerFile, two: LayerFile): boolean {
  return one.digest === two.digest && one.size === two.size && one.mode === two.mode && one.uid === two.uid && one.gid === two.gid && Math.abs(one.mtime - two.mtime) < PRECISION;
}

function isAsWanted(stats: Stats, { size, mode, uid, gid, mtime }: WantedFile): boolean {
  return stats.isFile() && stats.nlink < MOST_LINKS && stats.size === size && (stats.mode & 0o7777) === mode && stats.uid === uid && stats.gid === gid && Math.abs(stats.mtimeMs - mtime) < PRECISION;
}
