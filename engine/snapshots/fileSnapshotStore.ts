import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, opendir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { syncFolder } from '../base/atomicFile.ts';
import { notFound } from '../base/errors.ts';
import { shortRandom } from '../base/ids.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { digestSchema } from '../content/oci.ts';
import type { Digest } from '../content/oci.ts';
import { packLayer } from '../host/tar/packLayer.ts';
import { replayRecipe } from '../host/tar/recipe.ts';
import type { RecipeWriter } from '../host/tar/recipe.ts';
import { run } from '../host/process.ts';
import { readJsonFile, writeJsonFile } from '../state/jsonFile.ts';
import type { PendingSnapshot, Snapshot, SnapshotStore } from './types.ts';

const metaSchema = z.object({ id: z.string(), parent: z.string().optional(), diffId: digestSchema.optional(), tarSize: z.number().optional(), size: z.number(), created: z.string() });
type Meta = z.infer<typeof metaSchema>;

const TEMP = '.tmp-';
const RECIPE = 'tar.recipe';
/** Contents that a layer's tar has and its files have not: the archive itself replaced them. */
const REPLACED = 'replaced';

/** Where a layer comes from, and its tar if it had one. */
export interface SnapshotOrigin {
  readonly parent?: string;
  readonly diffId?: Digest;
  readonly tarSize?: number;
  readonly recipe?: RecipeWriter;
}

/** Snapshots in folders: `<root>/<id>/{fs,meta.json,tar.recipe}`; half-made ones are `.tmp-…` and go at the next `load`. */
export class FileSnapshotStore implements SnapshotStore {
  readonly #root: string;
  readonly #log: Log;
  readonly #snapshots = new Map<string, Meta>();
  readonly #byDiffId = new Map<string, string>();
  readonly #mutex = new KeyedMutex();

  constructor(dataRoot: string, log: Log) {
    this.#root = join(dataRoot, 'snapshots');
    this.#log = log;
  }

  async load(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o711 });
    this.#snapshots.clear();
    this.#byDiffId.clear();
    for (const name of await readdir(this.#root)) {
      if (name.startsWith(TEMP)) await this.#delete(join(this.#root, name));
      else await this.#loadOne(name);
    }
  }

  get(id: string): Snapshot | undefined {
    const meta = this.#snapshots.get(id);
    return meta && view(meta);
  }

  findByDiffId(diffId: Digest): Snapshot | undefined {
    const id = this.#byDiffId.get(diffId);
    return id === undefined ? undefined : this.get(id);
  }

  list(): readonly Snapshot[] {
    return [...this.#snapshots.values()].map(view);
  }

  lowerDir(id: string): string {
    this.#require(id);
    return join(this.#root, id, 'fs');
  }

  async begin(): Promise<PendingSnapshot & { readonly replacedDir: string; commit(origin: SnapshotOrigin): Promise<Snapshot> }> {
    const id = shortRandom(9);
    const temp = join(this.#root, `${TEMP}${id}`);
    const dir = join(temp, 'fs');
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o755);
    return {
      id,
      dir,
      replacedDir: join(temp, REPLACED),
      commit: (origin) => this.#commit(id, temp, origin),
      [Symbol.asyncDispose]: () => (this.#snapshots.has(id) ? Promise.resolve() : this.#delete(temp)),
    };
  }

  async adopt(upperDir: string, { parent }: { parent?: string }): Promise<Snapshot> {
    const id = shortRandom(9);
    const temp = join(this.#root, `${TEMP}${id}`);
    await mkdir(temp, { recursive: true });
    try {
      await rename(upperDir, join(temp, 'fs'));
      return await this.#commit(id, temp, parent === undefined ? {} : { parent });
    } catch (error) {
      await this.#delete(temp);
      throw error;
    }
  }

  identify(id: string): Promise<{ readonly diffId: Digest; readonly size: number }> {
    return this.#mutex.run(id, async () => {
      const meta = this.#require(id);
      if (meta.diffId !== undefined && meta.tarSize !== undefined) return { diffId: meta.diffId, size: meta.tarSize };
      const folder = join(this.#root, id);
      const packed = await packLayer(join(folder, 'fs'));
      await packed.recipe.save(join(folder, RECIPE));
      await this.#write({ ...meta, diffId: packed.diffId, tarSize: packed.size });
      return { diffId: packed.diffId, size: packed.size };
    });
  }

  async openTar(id: string): Promise<NodeJS.ReadableStream> {
    const { diffId } = await this.identify(id);
    const folder = join(this.#root, id);
    return Readable.from(verified(replayRecipe(join(folder, RECIPE), join(folder, 'fs'), join(folder, REPLACED)), diffId), { objectMode: false, highWaterMark: 1024 * 1024 });
  }

  async remove(id: string): Promise<void> {
    const meta = this.#snapshots.get(id);
    if (!meta) return;
    this.#forget(meta);
    const doomed = join(this.#root, `${TEMP}${id}`);
    await rename(join(this.#root, id), doomed);
    await this.#delete(doomed);
  }

  async #commit(id: string, temp: string, origin: SnapshotOrigin): Promise<Snapshot> {
    const { recipe, ...known } = origin;
    if (recipe) await recipe.save(join(temp, RECIPE));
    const meta: Meta = { id, ...known, size: known.tarSize ?? (await contentSize(join(temp, 'fs'))), created: new Date().toISOString() };
    await writeJsonFile(join(temp, 'meta.json'), meta);
    await rename(temp, join(this.#root, id));
    await syncFolder(this.#root);
    this.#remember(meta);
    return view(meta);
  }

  async #loadOne(id: string): Promise<void> {
    const path = join(this.#root, id, 'meta.json');
    const meta = await readJsonFile(path, metaSchema, this.#log);
    const hasFiles = (await lstat(join(this.#root, id, 'fs')).catch(() => undefined))?.isDirectory() ?? false;
    if (meta?.id === id && hasFiles) this.#remember(meta);
    else this.#log.error('a snapshot cannot be used', { id, path });
  }

  async #write(meta: Meta): Promise<void> {
    await writeJsonFile(join(this.#root, meta.id, 'meta.json'), meta);
    this.#remember(meta);
  }

  #remember(meta: Meta): void {
    this.#snapshots.set(meta.id, meta);
    if (meta.diffId !== undefined && !this.#byDiffId.has(meta.diffId)) this.#byDiffId.set(meta.diffId, meta.id);
  }

  #forget(meta: Meta): void {
    this.#snapshots.delete(meta.id);
    if (meta.diffId !== undefined && this.#byDiffId.get(meta.diffId) === meta.id) this.#byDiffId.delete(meta.diffId);
  }

  #require(id: string): Meta {
    const meta = this.#snapshots.get(id);
    if (!meta) throw notFound({ kind: 'snapshot', id });
    return meta;
  }

  /** The host's rm is several times faster than Node's on a tree of thousands of files. */
  async #delete(folder: string): Promise<void> {
    await run('rm', ['-rf', '--one-file-system', '--', folder]).catch(() => rm(folder, { recursive: true, force: true }));
  }
}

function view(meta: Meta): Snapshot {
  const { id, size, created } = meta;
  return { id, size, created, ...(meta.parent === undefined ? {} : { parent: meta.parent }), ...(meta.diffId === undefined ? {} : { diffId: meta.diffId }) };
}

/** Bytes of regular files below a folder. */
async function contentSize(folder: string): Promise<number> {
  let total = 0;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for await (const item of await opendir(next)) {
      const path = join(next, item.name);
      if (item.isDirectory()) waiting.push(path);
      else if (item.isFile()) total += (await lstat(path)).size;
    }
  }
  return total;
}

async function* verified(source: AsyncIterable<Buffer>, diffId: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== diffId) throw notFound({ kind: 'layer with its original content (the snapshot was changed on disk)', id: diffId });
}

