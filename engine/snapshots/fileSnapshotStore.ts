import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { algorithmOf, digestSchema } from '../content/digest.ts';
import type { Digest, DigestAlgorithm } from '../content/digest.ts';
import { removeTempFiles, syncFolder, writeFileAtomic } from '../base/atomicFile.ts';
import { notFound } from '../base/errors.ts';
import { shortRandom } from '../base/ids.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { packLayer } from '../host/tar/packLayer.ts';
import type { TarEntry } from '../host/tar/entry.ts';
import { readTar } from '../host/tar/reader.ts';
import { replayHeaders, replayRecipe } from '../host/tar/recipe.ts';
import { run } from '../host/process.ts';
import { spreadFolders } from '../host/spreadFolders.ts';
import { readJsonFile, writeJsonFile } from '../state/jsonFile.ts';
import { SnapshotInspector } from './inspection.ts';
import { Settling } from './settling.ts';
import { ShiftedLayers } from './shiftedLayers.ts';
import { digestTar, verified } from './tarDigest.ts';
import { treeSize } from './treeSize.ts';
import { verifyTree } from './verifyTree.ts';
import type { PendingSnapshot, Snapshot, SnapshotStore } from './types.ts';

const metaSchema = z.object({ id: z.string(), parent: z.string().optional(), diffId: digestSchema.optional(), otherDiffId: digestSchema.optional(), tarSize: z.number().optional(), size: z.number(), created: z.string(), unsettledIn: z.string().optional() });
type Meta = z.infer<typeof metaSchema>;

const TEMP = '.tmp-';
const META = 'meta.json';
const RECIPE = 'tar.recipe';
/** Contents that a layer's tar has and its files have not: the archive itself replaced them. */
const REPLACED = 'replaced';

/** Where a layer comes from, and its tar if it had one: then what replays it was put at `recipePath`. */
export interface SnapshotOrigin {
  readonly parent?: string;
  readonly diffId?: Digest;
  readonly tarSize?: number;
  /** Bytes of file content, where known. */
  readonly size?: number;
}

/** Snapshots in folders: `<root>/<id>/{fs,meta.json,tar.recipe}`; half-made ones are `.tmp-…` and go at the next `load`. */
export class FileSnapshotStore implements SnapshotStore {
  readonly shifted: ShiftedLayers;
  readonly #root: string;
  readonly #log: Log;
  readonly #snapshots = new Map<string, Meta>();
  readonly #byDiffId = new Map<string, Set<string>>();
  readonly #mutex = new KeyedMutex();
  readonly #settling = new Settling((ids) => void this.#settle(ids));

  constructor(dataRoot: string, log: Log) {
    this.#root = join(dataRoot, 'snapshots');
    this.#log = log;
    this.shifted = new ShiftedLayers({ root: this.#root, temp: TEMP, sizeOf: (id) => this.#require(id).size, log });
  }

  async load(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o711 });
    await spreadFolders(this.#root);
    this.#snapshots.clear();
    this.#byDiffId.clear();
    for (const name of await readdir(this.#root)) {
      if (name.startsWith(TEMP)) await this.#delete(join(this.#root, name));
      else await this.#loadOne(name);
    }
  }

  /** Nothing is written after this; another store may be opened on the folder. */
  close(): void {
    this.#settling.close();
    this.shifted.close();
  }

  get(id: string): Snapshot | undefined {
    const meta = this.#snapshots.get(id);
    return meta && view(meta);
  }

  findByDiffId(diffId: Digest): Snapshot | undefined {
    const [id] = this.#byDiffId.get(diffId) ?? [];
    return id === undefined ? undefined : this.get(id);
  }

  list(): readonly Snapshot[] {
    return [...this.#snapshots.values()].map(view);
  }

  lowerDir(id: string): string {
    this.#require(id);
    return join(this.#root, id, 'fs');
  }

  async begin(): Promise<PendingSnapshot & { readonly replacedDir: string; readonly recipePath: string; commit(origin: SnapshotOrigin): Promise<Snapshot> }> {
    const id = shortRandom(9);
    const temp = join(this.#root, `${TEMP}${id}`);
    const dir = join(temp, 'fs');
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o755);
    return {
      id,
      dir,
      replacedDir: join(temp, REPLACED),
      recipePath: join(temp, RECIPE),
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

  async digestAs(id: string, algorithm: DigestAlgorithm): Promise<Digest> {
    const { diffId } = await this.identify(id);
    if (algorithmOf(diffId) === algorithm) return diffId;
    return this.#mutex.run(id, async () => {
      const known = this.#require(id).otherDiffId;
      if (known !== undefined) return known;
      const { digest } = await digestTar(verified(this.#replay(id), diffId), algorithm);
      await this.#write({ ...this.#require(id), otherDiffId: digest });
      return digest;
    });
  }

  async openTar(id: string): Promise<NodeJS.ReadableStream> {
    const { diffId } = await this.identify(id);
    return Readable.from(verified(this.#replay(id), diffId), { objectMode: false, highWaterMark: 1024 * 1024 });
  }

  /** Compares the records with the disk. `recovered`: a layer can be used again. */
  inspector(recovered: () => Promise<void>): SnapshotInspector {
    const isWhole = async (id: string): Promise<boolean | undefined> => {
      const meta = this.#snapshots.get(id);
      return meta?.diffId === undefined ? undefined : this.#isWhole(meta);
    };
    const differences = async (id: string): Promise<string[]> => (this.#snapshots.get(id)?.diffId === undefined ? [] : verifyTree(this.entries(id), this.lowerDir(id)));
    return new SnapshotInspector({ root: this.#root, list: () => this.list(), isWhole, differences, recover: (id) => this.#recover(id).then(recovered) });
  }

  /** A layer whose description was lost: all of it is in the layer itself. */
  async #recover(id: string): Promise<void> {
    const replayed = await digestTar(this.#replay(id)).catch(() => undefined); // without a recipe its tar is made when it is asked for
    const known = replayed ? { diffId: replayed.digest, tarSize: replayed.size } : {};
    const meta: Meta = { id, ...known, size: await treeSize(join(this.#root, id, 'fs')), created: new Date().toISOString() };
    await this.#write(meta);
    this.#remember(meta);
  }

  /** What the layer's tar has, in its order and in OCI's form (whiteouts are files); no content is read. */
  async *entries(id: string): AsyncGenerator<TarEntry> {
    await this.identify(id);
    for await (const part of readTar(replayHeaders(join(this.#root, id, RECIPE)))) if (part.kind === 'entry') yield part.entry;
  }

  /** What is wrong with a layer, a line each: its files against the index of its tar, and the tar that they make against its digest. */
  async verify(id: string): Promise<string[]> {
    const differences = await verifyTree(this.entries(id), this.lowerDir(id));
    try {
      for await (const _chunk of await this.openTar(id)) void _chunk;
    } catch (error) {
      differences.push(error instanceof Error ? error.message : String(error));
    }
    return differences;
  }

  async remove(id: string): Promise<void> {
    const meta = this.#snapshots.get(id);
    if (!meta) return;
    this.#forget(meta);
    this.shifted.forget(id);
    const doomed = join(this.#root, `${TEMP}${id}`);
    await this.#mutex.run(id, () => rename(join(this.#root, id), doomed));
    await this.#delete(doomed);
  }

  async #commit(id: string, temp: string, origin: SnapshotOrigin): Promise<Snapshot> {
    const size = origin.size ?? (await treeSize(join(temp, 'fs')));
    const meta: Meta = { id, ...origin, size, created: new Date().toISOString(), unsettledIn: this.#settling.bootId };
    await writeJsonFile(join(temp, META), meta);
    await rename(temp, join(this.#root, id));
    await syncFolder(this.#root);
    this.#remember(meta);
    this.#settling.add(id);
    return view(meta);
  }

  async #loadOne(id: string): Promise<void> {
    const folder = join(this.#root, id);
    await removeTempFiles(folder);
    await this.shifted.load(id);
    const meta = await readJsonFile(join(folder, META), metaSchema, this.#log);
    const hasFiles = (await lstat(join(folder, 'fs')).catch(() => undefined))?.isDirectory() ?? false;
    if (meta?.id !== id || !hasFiles) return this.#log.error('a snapshot cannot be used', { id, folder });
    if (meta.unsettledIn === undefined) return this.#remember(meta);
    if (meta.unsettledIn === this.#settling.bootId || (await this.#isWhole(meta))) {
      this.#remember(meta);
      this.#settling.add(id);
      return;
    }
    this.#log.error('a snapshot made just before the power went is not whole, and is removed', { id, folder });
    await this.#delete(folder);
  }

  /** Whether the files still make the tar that the snapshot was made of; one whose tar nobody knows counts as cut short. */
  async #isWhole({ id, diffId }: Meta): Promise<boolean> {
    if (diffId === undefined) return false;
    try {
      for await (const _chunk of verified(this.#replay(id), diffId)) void _chunk;
      return true;
    } catch {
      return false;
    }
  }

  async #settle(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.#mutex.run(id, async () => {
        // What is on disk counts: in a minute a later engine may have learnt more about the snapshot than we know.
        const meta = await readJsonFile(join(this.#root, id, META), metaSchema, this.#log);
        if (meta && this.#snapshots.has(id)) await this.#write(withoutMark(meta)).catch((error: unknown) => this.#log.warn('a snapshot keeps its mark', { id, error }));
      });
    }
  }

  #replay(id: string): AsyncGenerator<Buffer> {
    const folder = join(this.#root, id);
    return replayRecipe(join(folder, RECIPE), join(folder, 'fs'), join(folder, REPLACED));
  }

  async #write(meta: Meta): Promise<void> {
    await writeFileAtomic(join(this.#root, meta.id, META), `${JSON.stringify(meta, null, 2)}\n`);
    if (this.#snapshots.has(meta.id)) this.#remember(meta);
  }

  #remember(meta: Meta): void {
    this.#snapshots.set(meta.id, meta);
    for (const diffId of diffIdsOf(meta)) this.#byDiffId.set(diffId, (this.#byDiffId.get(diffId) ?? new Set()).add(meta.id));
  }

  #forget(meta: Meta): void {
    this.#snapshots.delete(meta.id);
    for (const diffId of diffIdsOf(meta)) this.#byDiffId.get(diffId)?.delete(meta.id);
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

function diffIdsOf({ diffId, otherDiffId }: Meta): Digest[] {
  return [diffId, otherDiffId].filter((one) => one !== undefined);
}

function withoutMark(meta: Meta): Meta {
  const copy = { ...meta };
  delete copy.unsettledIn;
  return copy;
}

function view(meta: Meta): Snapshot {
  const { id, size, created } = meta;
  return { id, size, created, ...(meta.parent === undefined ? {} : { parent: meta.parent }), ...(meta.diffId === undefined ? {} : { diffId: meta.diffId }) };
}
