import { statfs } from 'node:fs/promises';
import { diskFull } from '../../base/errors.ts';
import { archiveUnsupported } from './errors.ts';

/** How much a layer may be. */
export interface LayerLimits {
  /** Throws ARCHIVE_UNSUPPORTED for too many entries, DISK_FULL for more than there is room for. */
  check(entries: number, contentBytes: number): void;
}

/** More than any image has; each costs memory while the layer is unpacked. */
const MOST_ENTRIES = 2_000_000;
/** What is left free for everybody else: this share of the disk, but no more bytes than that. */
const RESERVED_SHARE = 0.02;
const MOST_RESERVED = 512 * 1024 * 1024;

export const noLimits: LayerLimits = { check: () => undefined };

/**
 * What the file system of `dir` has room for: a few megabytes may unpack to more than the disk has, and a layer that could not fit is
 * refused at the entry that says so, before it has filled the disk for everybody.
 */
export async function limitsIn(dir: string, maxEntries = MOST_ENTRIES): Promise<LayerLimits> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(dir);
  const room = bavail * bsize - Math.min(MOST_RESERVED, blocks * bsize * RESERVED_SHARE);
  // Some file systems do not count files.
  const inodes = files > 0 ? ffree : Number.POSITIVE_INFINITY;
  return {
    check: (entries, contentBytes) => {
      if (entries > maxEntries) throw archiveUnsupported({ path: 'the archive', detail: `has more than ${maxEntries} entries` });
      if (contentBytes > room || entries > inodes) throw diskFull({ path: dir });
    },
  };
}
