import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BlockEncoder } from '../sync/blocks.ts';
import type { BlockOp } from '../sync/blocks.ts';
import { ContentWriter } from '../sync/contentStream.ts';
import { isGitIndex } from '../sync/gitIndex.ts';
import type { Need } from '../sync/messages.ts';
import { nameOf, parentOf } from '../sync/paths.ts';
import { breathe, isLong } from './breathe.ts';
import { FolderWalk, readFlags } from './folderWalk.ts';
import type { TreeIndex } from './treeIndex.ts';

const PIECE = 1 << 17;

/** The content of files as chunks of a stream. A file that is not what the index says is marked as such, and told to `onChanged`. */
export async function* supplyFiles(root: string, index: TreeIndex, needs: readonly Need[], onChanged: (path: string) => void): AsyncGenerator<Buffer> {
  using walk = new FolderWalk(root);
  const writer = new ContentWriter();
  const buffer = Buffer.allocUnsafe(PIECE);
  for (const need of needs) {
    const known = index.get(need.path)?.entry;
    const file = known?.kind === 'file' && known.digest === need.digest ? openQuietly(walk, need.path, known.size) : undefined;
    if (file === undefined) {
      onChanged(need.path);
      writer.add({ kind: 'file', index: need.index, mtime: 0 });
      writer.add({ kind: 'close', intact: false });
      continue;
    }
    try {
      yield* supplyFile(file, need, buffer, writer, onChanged);
    } finally {
      closeSync(file);
    }
    if (isLong()) await breathe();
  }
  const last = writer.take();
  if (last) yield last;
}

/** The file, if it still has the size that was announced: more than that must never be sent. The size of an index counts for as little as its caches. */
function openQuietly(walk: FolderWalk, path: string, size: number): number | undefined {
  try {
    const file = openSync(walk.enter(parentOf(path)) + nameOf(path), readFlags);
    const stats = fstatSync(file);
    if (stats.isFile() && (stats.size === size || isGitIndex(path))) return file;
    closeSync(file);
  } catch {
    // gone, or not to be read: the next scan says so
  }
  return undefined;
}

async function* supplyFile(file: number, need: Need, buffer: Buffer, writer: ContentWriter, onChanged: (path: string) => void): AsyncGenerator<Buffer> {
  const before = fstatSync(file);
  writer.add({ kind: 'file', index: need.index, mtime: before.mtimeMs });
  const encoder = need.signature && new BlockEncoder({ blockSize: need.signature.blockSize, sums: Buffer.from(need.signature.sums, 'base64') });
  for (let at = 0; ; ) {
    const count = readSync(file, buffer, 0, Math.min(PIECE, before.size - at), at);
    const ops = count === 0 ? (encoder?.finish() ?? []) : (encoder?.push(buffer.subarray(0, count)) ?? [{ kind: 'data' as const, data: buffer.subarray(0, count) }]);
    for (const op of ops) {
      writer.add(op satisfies BlockOp);
      if (writer.isFull) yield writer.take() ?? Buffer.alloc(0);
    }
    if (count === 0) break;
    at += count;
    if (isLong()) await breathe();
  }
  const after = fstatSync(file);
  const intact = after.size === before.size && after.mtimeMs === before.mtimeMs;
  if (!intact) onChanged(need.path);
  writer.add({ kind: 'close', intact });
}
