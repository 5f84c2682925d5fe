import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { hostCommandFailed } from '../../base/errors.ts';
import { start, startFailure } from '../process.ts';
import { WITHOUT_LABELS } from './copyTree.ts';
import { encodeEntry } from './entry.ts';
import type { TarEntry } from './entry.ts';
import { readTar } from './reader.ts';
import { RecipeWriter } from './recipe.ts';
import { isOverlayAttribute, layerRules } from './layerRules.ts';
import type { LayerRules } from './layerRules.ts';

export interface PackedLayer {
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  readonly recipe: RecipeWriter;
}

/**
 * The OCI layer tar of an overlay directory, as digest and recipe: sorted, numeric owners, whole seconds, whiteouts in OCI's
 * form. The same files give the same bytes, whatever made them and wherever.
 */
export async function packLayer(dir: string, signal?: AbortSignal): Promise<PackedLayer> {
  const hash = createHash('sha256');
  const recipe = new RecipeWriter();
  const bytes = (data: Buffer): void => {
    hash.update(data);
    recipe.bytes(data);
  };
  const rules = layerRules();
  let open: { path: string; size: number } | undefined;
  for await (const part of readTar(listing(dir, signal))) {
    if (part.kind === 'trailer') break;
    if (part.kind === 'entry') {
      const entries = toLayerEntries(part.entry, rules);
      for (const entry of entries) bytes(encodeEntry(entry));
      open = part.entry.type === 'file' ? { path: entries[0]?.path ?? '', size: part.entry.size } : undefined;
      if (open && open.size > 0) recipe.content(open.path, open.size);
    } else if (part.kind === 'content') {
      hash.update(part.data);
    } else {
      bytes(part.data);
    }
  }
  bytes(Buffer.alloc(1024));
  return { diffId: `sha256:${hash.digest('hex')}`, size: recipe.size, recipe };
}

/** An overlay entry in OCI's form: a whiteout device becomes a `.wh.` file, an opaque directory is followed by its marker; the root itself is left out. */
export function toLayerEntries(entry: TarEntry, rules: Pick<LayerRules, 'opaque'> = layerRules()): TarEntry[] {
  const path = entry.path.replace(/^\.\//, '').replace(/^\.$/, '');
  // fuse-overlayfs has two marks of its own beside the attribute: a device with this name, and a file that is in OCI's form already.
  if (/(^|\/)\.wh\.\.opq$/.test(path)) return [];
  const plain: TarEntry = { ...entry, path, linkPath: entry.type === 'hardlink' ? entry.linkPath.replace(/^\.\//, '') : entry.linkPath, mtime: Math.floor(entry.mtime), xattrs: new Map([...entry.xattrs].filter(([name]) => !isOverlayAttribute(name, rules))) };
  if (entry.type === 'character' && entry.deviceMajor === 0 && entry.deviceMinor === 0) return [whiteout(path, plain)];
  const isOpaque = entry.type === 'directory' && entry.xattrs.get(rules.opaque)?.toString() === 'y';
  const marker = isOpaque ? [{ ...whiteout('', plain), path: path === '' ? '.wh..wh..opq' : `${path}/.wh..wh..opq` }] : [];
  return path === '' ? marker : [plain, ...marker];
}

function whiteout(path: string, from: TarEntry): TarEntry {
  const at = path.lastIndexOf('/') + 1;
  return { ...from, path: `${path.slice(0, at)}.wh.${path.slice(at)}`, type: 'file', linkPath: '', size: 0, mode: 0, mtime: 0, deviceMajor: 0, deviceMinor: 0, xattrs: new Map() };
}

/** GNU tar's stream of a folder, sorted by name. Sockets are left out, as every tar does. */
async function* listing(dir: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const args = ['--create', '--file=-', `--directory=${dir}`, '--sort=name', '--format=pax', '--pax-option=delete=atime,delete=ctime', '--numeric-owner', '--xattrs', '--xattrs-include=*', WITHOUT_LABELS, '--one-file-system', '--warning=no-file-ignored', '.'];
  const child = start('tar', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' }, signal });
  const stderr: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('tar', error)));
    child.once('close', (status) => resolve(status ?? 128));
  });
  ended.catch(() => undefined);
  try {
    for await (const chunk of child.stdout ?? []) yield chunk as Buffer;
  } finally {
    child.stdout?.destroy();
  }
  const status = await ended;
  if (status !== 0) throw hostCommandFailed({ command: 'tar --create', status, stderr: Buffer.concat(stderr).toString().trim().slice(-500) });
}
