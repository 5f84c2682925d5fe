import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { BLOCK, encodeEntry, paddingOf } from './entry.ts';
import type { TarEntry } from './entry.ts';
import { RecipeWriter } from './recipe.ts';
import { isOverlayAttribute, layerRules, SELINUX_LABEL } from './layerRules.ts';
import type { LayerRules } from './layerRules.ts';
import { TreeReader } from './treeReader.ts';

/** Milliseconds without a turn for anything else. */
const LONGEST = 8;
const ZEROS = Buffer.alloc(BLOCK);

export interface PackedLayer {
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  readonly recipe: RecipeWriter;
}

/**
 * The OCI layer tar of an overlay directory, as digest and recipe: sorted, numeric owners, whole seconds, whiteouts in OCI's
 * form. The same files give the same bytes, whatever made them and wherever. It blocks its thread for a few milliseconds at a time:
 * the engine runs it in others (`UnpackThreads`).
 */
export async function packLayer(dir: string, signal?: AbortSignal): Promise<PackedLayer> {
  const hash = createHash('sha256');
  const recipe = new RecipeWriter();
  const bytes = (data: Buffer): void => {
    hash.update(data);
    recipe.bytes(data);
  };
  const rules = layerRules();
  const tree = await TreeReader.of(dir);
  let last = performance.now();
  for (const { entry, content } of tree.members()) {
    if (performance.now() - last > LONGEST) {
      await setImmediate();
      last = performance.now();
      signal?.throwIfAborted();
    }
    const [first, ...markers] = toLayerEntries(entry, rules);
    if (!first) continue;
    bytes(encodeEntry(first));
    if (entry.type === 'file' && entry.size > 0) {
      recipe.content(first.path, entry.size);
      for (const piece of content ? [content] : tree.content(entry)) hash.update(piece);
      bytes(ZEROS.subarray(0, paddingOf(entry.size)));
    }
    for (const marker of markers) bytes(encodeEntry(marker));
  }
  bytes(Buffer.alloc(2 * BLOCK));
  return { diffId: `sha256:${hash.digest('hex')}`, size: recipe.size, recipe };
}

/** An overlay entry in OCI's form: a whiteout device becomes a `.wh.` file, an opaque directory is followed by its marker; the root itself is left out. */
export function toLayerEntries(entry: TarEntry, rules: Pick<LayerRules, 'opaque'> = layerRules()): TarEntry[] {
  const path = entry.path.replace(/^\.\//, '').replace(/^\.$/, '');
  // fuse-overlayfs has two marks of its own beside the attribute: a device with this name, and a file that is in OCI's form already.
  if (/(^|\/)\.wh\.\.opq$/.test(path)) return [];
  const plain: TarEntry = { ...entry, path, linkPath: entry.type === 'hardlink' ? entry.linkPath.replace(/^\.\//, '') : entry.linkPath, mtime: Math.floor(entry.mtime), xattrs: new Map([...entry.xattrs].filter(([name]) => name !== SELINUX_LABEL && !isOverlayAttribute(name, rules))) };
  if (entry.type === 'character' && entry.deviceMajor === 0 && entry.deviceMinor === 0) return [whiteout(path, plain)];
  const isOpaque = entry.type === 'directory' && entry.xattrs.get(rules.opaque)?.toString() === 'y';
  const marker = isOpaque ? [{ ...whiteout('', plain), path: path === '' ? '.wh..wh..opq' : `${path}/.wh..wh..opq` }] : [];
  return path === '' ? marker : [plain, ...marker];
}

function whiteout(path: string, from: TarEntry): TarEntry {
  const at = path.lastIndexOf('/') + 1;
  return { ...from, path: `${path.slice(0, at)}.wh.${path.slice(at)}`, type: 'file', linkPath: '', size: 0, mode: 0, mtime: 0, deviceMajor: 0, deviceMinor: 0, xattrs: new Map() };
}
