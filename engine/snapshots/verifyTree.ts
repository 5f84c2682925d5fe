import { Buffer } from 'node:buffer';
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import type { TarEntry, TarType } from '../host/tar/entry.ts';
import { shownPath } from '../host/tar/shownPath.ts';
import { inUserNamespace } from '../host/userNamespace.ts';

type Expected = Pick<TarEntry, 'type' | 'size' | 'mode'> | undefined;

/**
 * Compares what the tar of a layer says (the index of its recipe) with the files that are there: kinds, sizes and rights, what is
 * missing and what is too much. Returns a line for each difference. Contents are the digest's affair.
 */
export async function verifyTree(entries: AsyncIterable<TarEntry>, folder: string): Promise<string[]> {
  const expected = await expectedTree(entries);
  const differences: string[] = [];
  const found = new Set<string>();
  for await (const { path, stats } of filesBelow(folder)) {
    found.add(path);
    const difference = stats.isSocket() ? undefined : differenceOf(expected, path, stats);
    if (difference !== undefined) differences.push(`/${shownPath(path)}: ${difference}`);
  }
  for (const [path, one] of expected) if (!found.has(path) && !(one && isDevice(one.type) && inUserNamespace())) differences.push(`/${shownPath(path)}: is missing`);
  return differences;
}

/** By path; `undefined`: a folder that the archive does not mention, or overlay's whiteout. */
async function expectedTree(entries: AsyncIterable<TarEntry>): Promise<Map<string, Expected>> {
  const tree = new Map<string, Expected>();
  const hidden = new Set<string>();
  const sizes = new Map<string, number>();
  for await (const entry of entries) {
    const path = entry.path.split('/').filter((part) => part !== '' && part !== '.').join('/');
    const at = path.lastIndexOf('/');
    const name = path.slice(at + 1);
    for (let end = at; end > 0; end = path.lastIndexOf('/', end - 1)) if (!tree.has(path.slice(0, end))) tree.set(path.slice(0, end), undefined);
    if (name.startsWith('.wh.')) {
      if (!name.startsWith('.wh..wh.')) hidden.add(path.slice(0, at + 1) + name.slice(4));
    } else if (path !== '') {
      const target = entry.linkPath.split('/').filter((part) => part !== '' && part !== '.').join('/');
      const size = entry.type === 'hardlink' ? (sizes.get(target) ?? 0) : entry.size;
      sizes.set(path, size);
      if (!(entry.type === 'hardlink' && target === path)) tree.set(path, { type: entry.type, size, mode: entry.mode });
    }
  }
  for (const path of hidden) if (!tree.has(path)) tree.set(path, undefined);
  return tree;
}

function differenceOf(expected: ReadonlyMap<string, Expected>, path: string, stats: Stats): string | undefined {
  // fuse-overlayfs leaves marks in OCI's form beside overlay's own.
  if (!expected.has(path)) return /(^|\/)\.wh\.[^/]*$/.test(path) ? undefined : 'is not in the layer';
  const one = expected.get(path);
  if (!one) return stats.isDirectory() || (stats.isCharacterDevice() && stats.rdev === 0) ? undefined : 'should be a folder or a whiteout';
  if (one.type === 'hardlink') return stats.isFile() && stats.size !== one.size ? `has ${stats.size} bytes instead of ${one.size}` : undefined;
  const kind = kindOf(stats);
  if (kind !== one.type) return `is a ${kind} instead of a ${one.type}`;
  if (kind === 'file' && stats.size !== one.size) return `has ${stats.size} bytes instead of ${one.size}`;
  const mode = stats.mode & 0o7777;
  return kind !== 'symlink' && mode !== one.mode ? `has the rights ${mode.toString(8)} instead of ${one.mode.toString(8)}` : undefined;
}

function kindOf(stats: Stats): TarType {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : 'file';
}

function isDevice(type: TarType): boolean {
  return type === 'character' || type === 'block';
}

/** Names are bytes; links are not followed. */
async function* filesBelow(folder: string): AsyncGenerator<{ path: string; stats: Stats }> {
  const queue = [''];
  for (let below = queue.pop(); below !== undefined; below = queue.pop()) {
    const names = await readdir(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(below, 'latin1')]), { encoding: 'buffer' });
    const paths = names.map((name) => (below === '' ? name.toString('latin1') : `${below}/${name.toString('latin1')}`));
    const all = await Promise.all(paths.map(async (path) => ({ path, stats: await lstat(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')])) })));
    for (const one of all) if (one.stats.isDirectory()) queue.push(one.path);
    yield* all;
  }
}
