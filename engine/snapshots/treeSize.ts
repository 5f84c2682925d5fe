import { Buffer } from 'node:buffer';
import { lstatSync, readdirSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

/** Milliseconds without a turn for anything else. */
const LONGEST = 8;

/** Bytes of the regular files below a folder; a file with several links counts once. Names need not be UTF-8; what vanishes meanwhile counts as nothing. */
export async function treeSize(folder: string): Promise<number> {
  const seen = new Set<number>();
  let total = 0;
  const sizeOf = async (path: Buffer): Promise<void> => {
    const stats = await lstat(path).catch(() => undefined);
    if (!stats) return;
    if (stats.nlink > 1 && seen.has(stats.ino)) return;
    if (stats.nlink > 1) seen.add(stats.ino);
    total += stats.size;
  };
  const visit = async (path: Buffer): Promise<void> => {
    const items = await readdir(path, { encoding: 'buffer', withFileTypes: true }).catch(() => []);
    const below = (name: Buffer): Buffer => Buffer.concat([path, Buffer.from('/'), name]);
    await Promise.all(items.filter((item) => item.isFile()).map((item) => sizeOf(below(item.name))));
    for (const item of items) if (item.isDirectory()) await visit(below(item.name));
  };
  await visit(Buffer.from(folder));
  return total;
}

/**
 * The same of a layer that was just made: its inodes are in memory, and nobody changes it. Synchronous calls take a tenth of the time there; what
 * may lie on a slow or a remote disk is for `treeSize`.
 */
export async function layerSize(folder: string): Promise<number> {
  const seen = new Set<number>();
  let total = 0;
  let last = performance.now();
  const visit = async (path: string): Promise<void> => {
    if (performance.now() - last > LONGEST) {
      await setImmediate();
      last = performance.now();
    }
    for (const item of readdirSync(Buffer.from(path, 'latin1'), { encoding: 'latin1', withFileTypes: true })) {
      const below = `${path}/${item.name}`;
      if (item.isDirectory()) await visit(below);
      if (!item.isFile()) continue;
      const { ino, nlink, size } = lstatSync(Buffer.from(below, 'latin1'));
      if (nlink > 1 && seen.has(ino)) continue;
      if (nlink > 1) seen.add(ino);
      total += size;
    }
  };
  await visit(Buffer.from(folder).toString('latin1'));
  return total;
}
