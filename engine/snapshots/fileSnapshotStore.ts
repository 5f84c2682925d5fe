import { chmod, lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { algorithmOf } from '../content/digest.ts';
import type { Digest, DigestAlgorithm } from '../content/digest.ts';
import { removeTempFiles, replaceFile, syncFolder, writeFileAtomic } from '../base/atomicFile.ts';
import { notFound, systemCode } from '../base/errors.ts';
import { shortRandom } from '../base/ids.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { packLayer } from '../host/tar/packLayer.ts';
import type { TarEntry } from '../host/tar/entry.ts';
import { readTar } from '../host/tar/reader.ts';
import type { PackJob, TarIdentity } from '../host/tar/unpackMessages.ts';
import type { UnpackThreads } from '../host/tar/unpackThreads.ts';
import { replayHeaders, replayRecipe } from '../host/tar/recipe.ts';
import { spreadFolders } from '../host/spreadFolders.ts';
import { readJsonFile } from '../state/jsonFile.ts';
import { SnapshotInspector } from './inspection.ts';
import { Settling } from './settling.ts';
import { diffIdsOf, metaSchema, metaText, view, withoutMark } from './snapshotMeta.ts';
import type { Meta } from './snapshotMeta.ts';
import { ShiftedLayers } from './shiftedLayers.ts';
import { digestTar, verified } from './tarDigest.ts';
import { removeTree } from './removeTree.ts';
import { layerSize, treeSize } from './treeSize.ts';
import { verifyTree } from './verifyTree.ts';
import type { PendingSnapshot, Snapshot, SnapshotStore } from './types.ts';

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
  readonly #threads: UnpackThreads | undefined;
  readonly #snapshots = new Map<string, Meta>();
  readonly #byDiffId = new Map<string, Set<string>>();
  readonly #mutex = new KeyedMutex();
  readonly #syncs = new Map<string, Promise<void>>();
  readonly #settling = new Settling((ids) => void this.#settle(ids));

  /** `threads`: where the tars of layers that were made here are digested; without them this thread does it. */
  constructor(dataRoot: string, log: Log, threads?: UnpackThreads) {
    this.#threads = threads;
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
      if (name.startsWith(TEMP)) await removeTree(join(this.#root, name));
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
      [Symbol.asyncDispose]: () => (this.#snapshots.has(id) ? Promise.resolve() : removeTree(temp)),
    };
  }

  async adopt(upperDir: string, origin: Pick<SnapshotOrigin, 'parent' | 'size'>): Promise<Snapshot> {
    const id = shortRandom(9);
    const temp = join(this.#root, `${TEMP}${id}`);
    await mkdir(temp, { recursive: true });
    try {
      await rename(upperDir, join(temp, 'fs'));
      return await this.#commit(id, temp, origin, true);
    } catch (error) {
      await removeTree(temp);
      throw error;
    }
  }

  identify(id: string): Promise<{ readonly diffId: Digest; readonly size: number }> {
    return this.#mutex.run(id, async () => {
      const meta = this.#require(id);
      if (meta.diffId !== undefined && meta.tarSize !== undefined) return { diffId: meta.diffId, size: meta.tarSize };
      const folder = join(this.#root, id);
      await this.#syncs.get(id);
      const { diffId, size } = await this.#pack({ packed: join(folder, 'fs'), recipePath: join(folder, RECIPE) });
      await this.#write({ ...meta, diffId, tarSize: size });
      return { diffId, size };
    });
  }

  async #pack(job: PackJob): Promise<TarIdentity> {
    if (this.#threads) return this.#threads.pack(job);
    const { recipe, diffId, size } = await packLayer(job.packed);
    await recipe.save(job.recipePath);
    return { diffId, size };
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
    await removeTree(doomed);
  }

  /** `soon`: it is on disk not before it has been identified. */
  async #commit(id: string, temp: string, origin: SnapshotOrigin, soon = false): Promise<Snapshot> {
    const size = origin.size ?? (await layerSize(join(temp, 'fs')));
    const meta: Meta = { id, ...origin, size, created: new Date().toISOString(), unsettledIn: this.#settling.bootId };
    if (soon) await replaceFile(join(temp, META), metaText(meta));
    else await writeFileAtomic(join(temp, META), metaText(meta));
    await rename(temp, join(this.#root, id));
    if (soon) this.#syncs.set(id, this.#sync(id));
    else await syncFolder(this.#root);
    this.#remember(meta);
    this.#settling.add(id);
    return view(meta);
  }

  /** Makes a commit durable. */
  async #sync(id: string): Promise<void> {
    const folder = join(this.#root, id);
    try {
      for (const path of [join(folder, META), folder, this.#root]) await syncFolder(path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#log.warn('a snapshot could not be synced', { id, error }); // else it has gone again
    }
    this.#syncs.delete(id);
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
    await removeTree(folder);
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
    await writeFileAtomic(join(this.#root, meta.id, META), metaText(meta));
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
}
