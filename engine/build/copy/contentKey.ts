import { breathe } from '../solve/breathe.ts';
import { mapBounded } from '../solve/mapBounded.ts';
import { digestOf } from '../plan/digest.ts';
import type { TreeEntry } from '../context/tree.ts';
import type { SelectedSource, SourceTree } from './selectSources.ts';

/** Digest of all that a copy of these sources depends on: names, types, modes, links, contents, and owners where they are kept; no times. */
export async function contentKey(tree: SourceTree, sources: readonly SelectedSource[], keepOwners: boolean, signal: AbortSignal): Promise<string> {
  const parts: unknown[] = [];
  for (const { name, entries, parents } of sources) {
    const [first] = entries;
    const counted = first?.type === 'folder' ? entries.slice(1) : entries;
    for (const entry of counted) {
      await breathe(signal);
      if (entry.type === 'file') entry.digest = tree.known?.(entry);
    }
    const unknown = counted.filter(({ type, digest }) => type === 'file' && digest === undefined);
    await mapBounded(unknown, 8, async (entry) => (entry.digest = await tree.digest(entry, signal)));
    const rows = counted.map((entry) => row(entry, keepOwners));
    // Of a folder the contents are copied, not the folder: its own name, mode and owner do not count.
    parts.push([first?.type === 'folder' ? ['folder'] : ['file', name], rows, ...(parents === undefined ? [] : [parents])]);
  }
  return digestOf(parts);
}

function row(entry: TreeEntry, keepOwners: boolean): unknown {
  const { stats, digest = '' } = entry;
  const owner = keepOwners ? `${stats.uid}:${stats.gid}` : '';
  const device = entry.type === 'special' ? `${stats.mode & 0o170000n}-${stats.rdev}` : '';
  const mode = entry.type === 'link' ? '' : (stats.mode & 0o7777n).toString(8);
  return [entry.path, entry.type, mode, owner, digest, entry.link ?? '', device];
}
