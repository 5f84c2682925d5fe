import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ImageDiff } from '../api/berth/image.ts';
import { shownPath } from '../host/tar/shownPath.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import type { ImageRecord } from './imageRecord.ts';
import { imageTree } from './imageTree.ts';
import type { TreeEntry } from './imageTree.ts';
import { diffPackages, versionsOf } from './imagePackages.ts';
import { collectPackages } from './sbom/collectPackages.ts';
import type { FoundPackage } from './sbom/collectPackages.ts';

/** What the distribution manages; the packages of Node and Python are files like others here. */
const OF_THE_SYSTEM: ReadonlySet<FoundPackage['type']> = new Set(['deb', 'apk', 'rpm']);

/** What is different from one image to another: files (times do not count) and packages. */
export async function diffImages(snapshots: FileSnapshotStore, from: ImageRecord, to: ImageRecord, signal: AbortSignal): Promise<ImageDiff> {
  const [before, after] = await Promise.all([imageTree(snapshots, from), imageTree(snapshots, to)]);
  const files = new LayerFiles(snapshots);
  const changed: ImageDiff['changed'] = [];
  for (const [path, one] of after) {
    signal.throwIfAborted();
    const old = before.get(path);
    const what = old && old.snapshotId !== one.snapshotId ? await differences(files, path, old, one, signal) : [];
    if (what.length > 0) changed.push({ path: `/${shownPath(path)}`, what });
  }
  const only = (tree: ReadonlyMap<string, TreeEntry>, other: ReadonlyMap<string, TreeEntry>): Array<{ path: string; size: number }> => [...tree].filter(([path]) => !other.has(path)).map(([path, { entry }]) => ({ path: `/${shownPath(path)}`, size: entry.size }));
  const installed = async (tree: ReadonlyMap<string, TreeEntry>): Promise<Map<string, string>> => versionsOf((await collectPackages(files, tree, signal, OF_THE_SYSTEM)).packages);
  const packages = diffPackages(await installed(before), await installed(after));
  const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
  return { added: only(after, before).sort(byPath), removed: only(before, after).sort(byPath), changed: changed.sort(byPath), packages };
}

async function differences(files: LayerFiles, path: string, old: TreeEntry, now: TreeEntry, signal: AbortSignal): Promise<string[]> {
  const kind = ({ entry }: TreeEntry): string => (entry.type === 'hardlink' ? 'file' : entry.type);
  if (kind(old) !== kind(now)) return ['type'];
  const what: string[] = [];
  // A further name of a file has the rights of the first, wherever its archive says something else.
  if (old.entry.type !== 'hardlink' && now.entry.type !== 'hardlink') {
    if (old.entry.mode !== now.entry.mode && kind(now) !== 'symlink') what.push('mode');
    if (old.entry.uid !== now.entry.uid || old.entry.gid !== now.entry.gid) what.push('owner');
  }
  if (kind(now) === 'symlink' && old.entry.linkPath !== now.entry.linkPath) what.push('target');
  if ((kind(now) === 'character' || kind(now) === 'block') && (old.entry.deviceMajor !== now.entry.deviceMajor || old.entry.deviceMinor !== now.entry.deviceMinor)) what.push('device');
  if (kind(now) === 'file' && (await files.digest(old.snapshotId, path, signal)) !== (await files.digest(now.snapshotId, path, signal))) what.push('content');
  return what;
}

/** Files of layers, read where they are; links are never followed. */
export class LayerFiles {
  readonly #snapshots: Pick<FileSnapshotStore, 'lowerDir'>;

  constructor(snapshots: Pick<FileSnapshotStore, 'lowerDir'>) {
    this.#snapshots = snapshots;
  }

  folder(snapshotId: string): string {
    return this.#snapshots.lowerDir(snapshotId);
  }

  /** Size and digest. */
  async digest(snapshotId: string, path: string, signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of this.read(snapshotId, path)) {
      signal.throwIfAborted(); // a file of holes may be larger than any disk
      hash.update(chunk);
      size += chunk.length;
    }
    return `${size} ${hash.digest('hex')}`;
  }

  async *read(snapshotId: string, path: string): AsyncGenerator<Buffer> {
    const file = await open(Buffer.concat([Buffer.from(`${this.folder(snapshotId)}/`), Buffer.from(path, 'latin1')]), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) yield chunk;
    } finally {
      await file.close();
    }
  }
}
