import { createHash, hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { isGitIndex, readGitIndex } from '../sync/gitIndex.ts';
import { breathe, isLong } from './breathe.ts';
import { readFlags } from './folderWalk.ts';

const CHUNK = 1 << 20;
const ATTEMPTS = 3;

/** The digest of a file's content as entries have it. */
export function digestOfBytes(path: string, content: Buffer): string {
  return (isGitIndex(path) ? readGitIndex(content)?.digest : undefined) ?? hash('sha256', content, 'hex');
}

export interface Digested {
  readonly digest: string;
  readonly stats: Stats;
}

/** Reads a file for its digest; undefined: it is no regular file any more, or changed each time it was read. */
export async function digestFile(path: string, place: string): Promise<Digested | undefined> {
  const file = openSync(place, readFlags);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = fstatSync(file);
      if (!before.isFile()) return undefined;
      const digest = before.size > CHUNK && !isGitIndex(path) ? await digestChunks(file) : digestOfBytes(path, readAll(file, before.size));
      const after = fstatSync(file);
      if (after.size === before.size && after.mtimeMs === before.mtimeMs && after.ctimeMs === before.ctimeMs) return { digest, stats: after };
      await breathe();
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** A file's content from its start, as much as it is said to have and a little more if there is more. */
export function readAll(file: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(file, buffer, length, buffer.length - length, length);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

async function digestChunks(file: number): Promise<string> {
  const sum = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; ; ) {
    const count = readSync(file, buffer, 0, CHUNK, at);
    if (count === 0) return sum.digest('hex');
    sum.update(buffer.subarray(0, count));
    at += count;
    if (isLong()) await breathe();
  }
}
