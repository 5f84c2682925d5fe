import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { diskFull, hostCommandFailed } from '../../base/errors.ts';
import { start, startFailure } from '../process.ts';
import { encodeEntry } from './entry.ts';
import type { TarEntry } from './entry.ts';
import { LayerPaths } from './layerPaths.ts';
import { readTar } from './reader.ts';
import type { TarPart } from './reader.ts';
import { RecipeWriter } from './recipe.ts';

export interface UnpackedLayer {
  /** sha256 of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** Replays the tar; `undefined` when the archive names a path twice, so that its first content is gone. */
  readonly recipe: RecipeWriter | undefined;
}

/** Marks a whole directory as hiding what is below it in lower layers. */
export const OPAQUE = 'trusted.overlay.opaque';

const WHITEOUT = '.wh.';
const OPAQUE_WHITEOUT = '.wh..wh..opq';

/**
 * Unpacks an uncompressed layer tar into `dir` as an overlay lower directory: whiteouts become character devices 0/0 and
 * opaque markers an attribute. The host's GNU tar does the writing, from headers that we made anew out of what we checked,
 * so it sees nothing else. Throws ARCHIVE_*, DISK_FULL, HOST_TOOL_MISSING; the caller removes `dir` then.
 */
export async function unpackLayer(source: AsyncIterable<Buffer>, dir: string, signal?: AbortSignal): Promise<UnpackedLayer> {
  const args = ['--extract', '--file=-', `--directory=${dir}`, '--numeric-owner', '--same-owner', '--same-permissions', '--xattrs', '--xattrs-include=*', '--delay-directory-restore', '--warning=no-timestamp'];
  const child = start('tar', args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' }, signal });
  const stderr: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('tar', error)));
    child.once('close', (status) => resolve(status ?? 128));
  });
  ended.catch(() => undefined);
  const pipe = child.stdin as Writable;
  let broken = false;
  pipe.on('error', () => (broken = true));
  try {
    const result = await translate(source, pipe, () => broken);
    pipe.end();
    refuseFailure(await ended, Buffer.concat(stderr).toString(), dir);
    return result;
  } catch (error) {
    pipe.destroy();
    const status = await ended;
    if (broken) refuseFailure(status, Buffer.concat(stderr).toString(), dir);
    throw error;
  }
}

function refuseFailure(status: number, stderr: string, dir: string): void {
  if (status === 0) return;
  if (/No space left on device|Disk quota exceeded/.test(stderr)) throw diskFull({ path: dir });
  throw hostCommandFailed({ command: 'tar --extract', status, stderr: stderr.trim().split('\n').slice(-3).join('\n') });
}

async function translate(source: AsyncIterable<Buffer>, out: Writable, isBroken: () => boolean): Promise<UnpackedLayer> {
  const hash = createHash('sha256');
  const recipe = new RecipeWriter();
  const layer = new LayerTranslator();
  const sink = new BatchedSink(out);
  for await (const part of readTar(source)) {
    if (isBroken()) throw new Error('tar stopped reading');
    hash.update(part.kind === 'entry' ? part.raw : part.data);
    layer.record(part, recipe);
    for (const data of layer.step(part)) if (sink.add(data)) await sink.flush();
  }
  for (const data of layer.finish()) sink.add(data);
  await sink.flush();
  return { diffId: `sha256:${hash.digest('hex')}`, size: recipe.size, recipe: layer.replayable ? recipe : undefined };
}

/** Gathers small pieces: a pipe write for each of ten thousand headers costs more than unpacking them. */
class BatchedSink {
  readonly #out: Writable;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(out: Writable) {
    this.#out = out;
  }

  /** True when it is time to flush. */
  add(data: Buffer): boolean {
    this.#pieces.push(data);
    this.#size += data.length;
    return this.#size >= 512 * 1024;
  }

  async flush(): Promise<void> {
    const batch = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.#out.off('close', settle);
        resolve();
      };
      this.#out.once('close', settle); // tar left: its status says why
      this.#out.write(batch, settle);
    });
  }
}

/** Turns the parts of a layer's tar into what GNU tar shall unpack. */
export class LayerTranslator {
  readonly #paths = new LayerPaths();
  readonly #directories = new Map<string, TarEntry>();
  readonly #opaque = new Set<string>();
  #pass = false;
  #path = '';

  get replayable(): boolean {
    return !this.#paths.repeated;
  }

  /** Keeps a part for the recipe. Call before `step` for the same part. */
  record(part: TarPart, recipe: RecipeWriter): void {
    if (part.kind === 'entry') {
      recipe.bytes(part.raw);
      const path = this.#paths.normalise(part.entry.path);
      if (part.entry.type === 'file' && path !== '' && isPlain(path)) recipe.file(path, part.entry.size);
    } else if (part.kind !== 'content' || !this.#pass) {
      recipe.bytes(part.data);
    }
  }

  step(part: TarPart): Buffer[] {
    if (part.kind === 'entry') return this.#entry(part.entry);
    return part.kind === 'trailer' || !this.#pass ? [] : [part.data];
  }

  /** What comes after the last entry: opaque markers and the end of the archive. */
  finish(): Buffer[] {
    const marked = [...this.#opaque].sort().map((path) => {
      const known = this.#directories.get(path) ?? { ...emptyDirectory, path };
      return encodeEntry({ ...known, path: path === '' ? '.' : path, xattrs: new Map([...known.xattrs, [OPAQUE, Buffer.from('y')]]) });
    });
    return [...marked, Buffer.alloc(1024)];
  }

  #entry(entry: TarEntry): Buffer[] {
    const path = this.#paths.normalise(entry.path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    this.#pass = false;
    this.#path = path;
    if (name.startsWith(WHITEOUT)) return this.#whiteout(name);
    if (path === '' && entry.type !== 'directory') return [];
    this.#paths.claim(path, entry.type === 'directory');
    const checked = { ...entry, path: path === '' ? '.' : path, linkPath: this.#link(entry), xattrs: withoutOverlay(entry) };
    if (entry.type === 'directory') this.#directories.set(path, checked);
    this.#pass = entry.type === 'file';
    return [encodeEntry(checked)];
  }

  #whiteout(name: string): Buffer[] {
    const folder = this.#path.slice(0, this.#path.length - name.length).replace(/\/$/, '');
    if (name === OPAQUE_WHITEOUT) {
      this.#paths.mustReach(this.#path);
      this.#opaque.add(folder);
      return [];
    }
    if (name.startsWith('.wh..wh.') || name === WHITEOUT) return []; // bookkeeping of aufs
    const hidden = folder === '' ? name.slice(WHITEOUT.length) : `${folder}/${name.slice(WHITEOUT.length)}`;
    this.#paths.normalise(hidden);
    this.#paths.claim(hidden, false);
    return [encodeEntry({ ...emptyDirectory, path: hidden, type: 'character', mode: 0 })];
  }

  /** A hard link's target is a path of this archive and must stay in it; a symbolic link's is only text. */
  #link(entry: TarEntry): string {
    if (entry.type !== 'hardlink') return entry.linkPath;
    const target = this.#paths.normalise(entry.linkPath, `is a hard link to "${entry.linkPath}", which leads out of the root`);
    this.#paths.mustReach(target);
    return target;
  }
}

const emptyDirectory: TarEntry = { path: '', type: 'directory', linkPath: '', size: 0, mode: 0o755, uid: 0, gid: 0, mtime: 0, deviceMajor: 0, deviceMinor: 0, xattrs: new Map() };

function isPlain(path: string): boolean {
  return !path.slice(path.lastIndexOf('/') + 1).startsWith(WHITEOUT);
}

/** Overlay's own attributes are ours to set, never an archive's. */
function withoutOverlay(entry: TarEntry): ReadonlyMap<string, Buffer> {
  const kept = [...entry.xattrs].filter(([name]) => !name.startsWith('trusted.overlay.') && !name.startsWith('user.overlay.'));
  return new Map(kept);
}

