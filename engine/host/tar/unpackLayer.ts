import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { diskFull, hostCommandFailed } from '../../base/errors.ts';
import { shortRandom } from '../../base/ids.ts';
import { start, startFailure } from '../process.ts';
import { limitsIn } from './layerLimits.ts';
import { layerRules } from './layerRules.ts';
import { LayerTranslator } from './layerTranslator.ts';
import { readTar } from './reader.ts';
import type { RecipeWriter } from './recipe.ts';

export interface UnpackedLayer {
  /** sha256 of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** Bytes of file content. */
  readonly contentSize: number;
  /** Replays the tar. */
  readonly recipe: RecipeWriter;
}

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where contents go that the archive itself replaces later: a path on the same file system, made only then. Without it they are lost. */
  readonly replacedDir?: string;
  /** Entries that are believed; what the disk has room for is a limit of its own. */
  readonly maxEntries?: number;
}

/**
 * Unpacks an uncompressed layer tar into `dir` as an overlay lower directory: whiteouts become character devices 0/0 and
 * opaque markers an attribute. The host's GNU tar does the writing, from headers that we made anew out of what we checked,
 * so it sees nothing else. Throws ARCHIVE_*, DISK_FULL, HOST_TOOL_MISSING; the caller removes `dir` then.
 */
export async function unpackLayer(source: AsyncIterable<Buffer>, dir: string, { signal, replacedDir, maxEntries }: UnpackOptions = {}): Promise<UnpackedLayer> {
  const replaced = `.replaced-${shortRandom(16)}`;
  const layer = new LayerTranslator(replaced, layerRules(), await limitsIn(dir, maxEntries));
  const result = await writeTree(source, dir, layer, signal);
  if (layer.replacedCount > 0) await (replacedDir === undefined ? rm(join(dir, replaced), { recursive: true }) : rename(join(dir, replaced), replacedDir));
  return result;
}

async function writeTree(source: AsyncIterable<Buffer>, dir: string, layer: LayerTranslator, signal: AbortSignal | undefined): Promise<UnpackedLayer> {
  const args = ['--extract', '--file=-', `--directory=${dir}`, '--numeric-owner', '--same-owner', '--same-permissions', '--xattrs', '--xattrs-include=*', '--delay-directory-restore', '--absolute-names', '--warning=no-timestamp'];
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
    const result = await translate(source, pipe, layer, () => broken);
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
  // A file system without xattrs is only warned about; overlay's markers must not get lost so quietly.
  if (status === 0 && !stderr.includes(layerRules().opaque)) return;
  if (/No space left on device|Disk quota exceeded|: Wrote only \d+ of/.test(stderr)) throw diskFull({ path: dir });
  throw hostCommandFailed({ command: 'tar --extract', status, stderr: stderr.trim().split('\n').slice(-3).join('\n') });
}

async function translate(source: AsyncIterable<Buffer>, out: Writable, layer: LayerTranslator, isBroken: () => boolean): Promise<UnpackedLayer> {
  const hash = createHash('sha256');
  const sink = new BatchedSink(out);
  for await (const part of readTar(source)) {
    if (isBroken()) throw new Error('tar stopped reading');
    hash.update(part.kind === 'entry' ? part.raw : part.data);
    for (const data of layer.step(part)) if (sink.add(data)) await sink.flush();
  }
  for (const data of layer.finish()) sink.add(data);
  await sink.flush();
  return { diffId: `sha256:${hash.digest('hex')}`, size: layer.recipe.size, contentSize: layer.contentSize, recipe: layer.recipe };
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
