import { Buffer } from 'node:buffer';
import { lstat, readdir } from 'node:fs/promises';

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
