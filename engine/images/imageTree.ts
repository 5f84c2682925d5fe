import type { TarEntry } from '../host/tar/entry.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import type { ImageRecord } from './imageRecord.ts';

/** Something in an image's file system, and the layer that it is of. */
export interface TreeEntry {
  readonly entry: TarEntry;
  readonly snapshotId: string;
}

/** The file system of an image by path (bytes as characters, without a leading slash), as its layers make it. */
export async function imageTree(snapshots: Pick<FileSnapshotStore, 'entries'>, image: Pick<ImageRecord, 'layers'>): Promise<Map<string, TreeEntry>> {
  const tree = new Map<string, TreeEntry>();
  for (const { snapshotId } of image.layers) {
    const own = new Map<string, TreeEntry>();
    for await (const entry of snapshots.entries(snapshotId)) {
      const path = normalised(entry.path);
      const name = path.slice(path.lastIndexOf('/') + 1);
      const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      if (name === '.wh..wh..opq') removeBelow(tree, folder);
      else if (name.startsWith('.wh.')) removeWith(tree, folder === '' ? name.slice(4) : `${folder}/${name.slice(4)}`);
      else if (path !== '') own.set(path, { entry, snapshotId });
    }
    for (const [path, one] of own) {
      // What becomes a file or a link hides the folder that was there.
      if (one.entry.type !== 'directory' && tree.get(path)?.entry.type === 'directory') removeWith(tree, path);
      tree.set(path, one);
    }
  }
  return tree;
}

function normalised(path: string): string {
  return path.split('/').filter((part) => part !== '' && part !== '.').join('/');
}

function removeWith(tree: Map<string, TreeEntry>, path: string): void {
  if (tree.get(path)?.entry.type !== 'directory') {
    tree.delete(path);
    return;
  }
  tree.delete(path);
  removeBelow(tree, path);
}

function removeBelow(tree: Map<string, TreeEntry>, folder: string): void {
  for (const path of [...tree.keys()]) if (folder === '' || path.startsWith(`${folder}/`)) tree.delete(path);
}
