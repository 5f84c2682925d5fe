import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import type { EventBus } from '../base/eventBus.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { fitsPlatform, hostPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor, ImageConfig } from '../content/oci.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import type { Registries } from '../registry/registries.ts';
import type { UnpackThreads } from '../host/tar/unpackThreads.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import { bootstrapLayer, isBootstrappable } from './bootstrap.ts';
import { notAnImageArchive } from './errors.ts';
import { findForPlatform, findImage } from './findImage.ts';
import type { ImageRecord } from './imageRecord.ts';
import { ImageStore } from './imageStore.ts';
import { ImageInspector } from './inspection.ts';
import { InterruptedPulls } from './interruptedPulls.ts';
import { HeldSnapshots } from './layerHolds.ts';
import type { LayerHolds } from './layerHolds.ts';
import { withLayoutArchive } from './layout.ts';
import { loadImages } from './load.ts';
import type { LoadedImage } from './load.ts';
import { pullImage } from './pull.ts';
import type { PullOptions } from './pull.ts';
import { recordImage } from './recordImage.ts';
import { recordIndex } from './recordIndex.ts';
import type { IndexMember } from './recordIndex.ts';
import type { Predicate } from './attestations.ts';
import { nameIn, removeImage } from './removeImage.ts';
import type { RemovedImage, RemoveParts } from './removeImage.ts';
import { imageSbom } from './sbom/imageSbom.ts';
import { Unpacker } from './unpacker.ts';

export interface ImageServiceParts {
  readonly dataRoot: string;
  readonly content: ContentStore;
  readonly snapshots: FileSnapshotStore;
  readonly registries: Registries;
  readonly events: EventBus;
  readonly log: Log;
  readonly threads?: UnpackThreads | undefined;
  /** Containers that use an image, as people name them. */
  readonly inUse: (imageId: string) => readonly string[];
  /** Snapshots that containers and the build cache need. */
  readonly snapshotsInUse: () => Iterable<string>;
  /** Copies of layers that something stands on, as `shiftedKey` has them; default: none. */
  readonly shiftedInUse?: () => ReadonlySet<string>;
}

/** Images: what is here, and how they come and go. Call `load` once at start. */
export class ImageService {
  readonly store: ImageStore;
  readonly unpacker: Unpacker;
  readonly held = new HeldSnapshots();
  readonly interrupted: InterruptedPulls;
  readonly #parts: ImageServiceParts;
  readonly #tempRoot: string;
  readonly #mutex = new KeyedMutex();

  constructor(parts: ImageServiceParts) {
    this.#parts = parts;
    this.#tempRoot = join(parts.dataRoot, 'tmp', 'images');
    this.store = new ImageStore(parts.content, parts.snapshots, parts.log);
    this.unpacker = new Unpacker(parts.snapshots, parts.threads);
    this.interrupted = new InterruptedPulls(parts.dataRoot, parts.log);
  }

  /** Reads index.json and drops what a killed engine left: temp folders, blobs that nothing names. */
  async load(): Promise<void> {
    await rm(this.#tempRoot, { recursive: true, force: true });
    await mkdir(this.#tempRoot, { recursive: true, mode: 0o700 });
    await Promise.all([this.store.load(), this.interrupted.load()]);
    await this.store.sweepBlobs();
  }

  list(): ImageRecord[] {
    return this.store.list();
  }

  /** The image with this name, id or beginning of an id. Throws NO_SUCH_IMAGE, AMBIGUOUS_IMAGE_ID, INVALID_REFERENCE. */
  resolve(ref: string): ImageRecord {
    return findImage(this.store.list(), ref);
  }

  /** The image for a platform: itself, one of its index, or what its registry has under that name. Throws what `resolve` does, and IMAGE_NOT_FOR_PLATFORM. */
  resolveFor(ref: string, platform: Platform): ImageRecord {
    return findForPlatform(this.store.list(), ref, platform);
  }

  has(ref: string): boolean {
    try {
      this.resolve(ref);
      return true;
    } catch {
      return false;
    }
  }

  /** Gives an image one more name; another image that had it loses it. */
  async tag(ref: string, newRef: string): Promise<void> {
    const image = this.resolve(ref);
    const name = familiarTag(parseReference(newRef));
    await this.store.add({ manifest: this.#meaning(image, ref) ?? (await this.descriptor(image)), tags: [name], repoDigests: image.repoDigests });
    this.#announce('tag', image, name);
  }

  /** Names one image, and not the index that it may be part of. */
  async tagImage(id: Digest, newRef: string): Promise<void> {
    const image = this.resolve(id);
    const name = familiarTag(parseReference(newRef));
    await this.store.add({ manifest: await this.descriptor(image), tags: [name] });
    this.#announce('tag', image, name);
  }

  /** Takes one name away; the last one takes the image along. By id, all names go (several need `force`). Throws IMAGE_IN_USE, IMAGE_HAS_NAMES. */
  async remove(ref: string, { force = false }: { force?: boolean } = {}): Promise<RemovedImage[]> {
    const parts: RemoveParts = { store: this.store, inUse: this.#parts.inUse, collect: (ids) => this.collect(ids), announce: (action, image, name) => this.#announce(action, image, name) };
    return this.#mutex.run('remove', () => removeImage(parts, this.resolve(ref), ref, force));
  }

  async pull(ref: string, options: PullOptions, ctx: OperationContext): Promise<ImageRecord> {
    const parts = { content: this.#parts.content, store: this.store, unpacker: this.unpacker, registries: this.#parts.registries, interrupted: this.interrupted };
    const { image, digest } = await this.holding((holds) => pullImage(parts, parseReference(ref), options, holds, ctx));
    ctx.report({ status: `Digest: ${digest}` });
    this.#announce('pull', image, ref);
    return image;
  }

  /** The image, from its registry; a Debian base that no registry gives is made from Debian's packages. */
  async obtain(ref: string, options: PullOptions, ctx: OperationContext): Promise<ImageRecord> {
    try {
      return await this.pull(ref, options, ctx);
    } catch (error) {
      const isForeign = options.platform !== undefined && !fitsPlatform(options.platform, hostPlatform());
      if (ctx.signal.aborted || isForeign || !isBootstrappable(ref)) throw error;
      ctx.report({ id: ref, status: `No registry gave it (${error instanceof Error ? error.message : String(error)}): making it from Debian's packages` });
      return this.bootstrap(ref, ctx);
    }
  }

  /** Loads an archive. Returns the images in it. */
  async loadArchive(stream: Readable, ctx: OperationContext): Promise<LoadedImage[]> {
    const parts = { content: this.#parts.content, store: this.store, unpacker: this.unpacker };
    const images = await this.holding((holds) => loadImages(parts, stream, holds, ctx));
    for (const image of images) this.#announce('load', image, image.givenTags[0] ?? image.id);
    return images;
  }

  /** An image of an OCI layout on this host, without a name. Throws as `loadArchive` does. */
  async loadLayout(path: string, ref: string | undefined, platform: Platform, ctx: OperationContext): Promise<ImageRecord> {
    const [image] = await withLayoutArchive(path, ref, platform, this.#tempRoot, (archive) => this.loadArchive(archive, ctx));
    if (!image) throw notAnImageArchive({ detail: `the layout ${path} has no image` });
    return image;
  }

  /** Which of these layers are here. */
  presentLayers(diffIds: readonly Digest[]): Digest[] {
    return diffIds.filter((diffId) => this.#parts.snapshots.findByDiffId(diffId) !== undefined);
  }

  /** Makes a base image from Debian's packages. Two calls for the same one share the work. */
  async bootstrap(ref: string, ctx: OperationContext): Promise<ImageRecord> {
    const name = familiarTag(parseReference(ref));
    return this.#mutex.run(`bootstrap ${name}`, async () => {
      return this.holding(async (holds) => {
        const { layer, config } = await bootstrapLayer(ref, this.unpacker, holds, this.#tempRoot, ctx);
        return this.addImage({ config, snapshotIds: [layer.snapshotId], tags: [name] });
      });
    });
  }

  /** Records an image made here. Its layers are digested now if they have not been. */
  async addImage(image: { config: Omit<ImageConfig, 'rootfs'>; snapshotIds: readonly string[]; tags: readonly string[]; annotations?: Readonly<Record<string, string>> }): Promise<ImageRecord> {
    const holds = this.held.open();
    image.snapshotIds.forEach((id) => holds.add(id));
    try {
      const layers = await Promise.all(image.snapshotIds.map((id) => this.unpacker.identify(id)));
      const descriptors: Descriptor[] = layers.map(({ diffId, size }) => ({ mediaType: mediaTypes.ociLayer, digest: diffId, size }));
      const config = { ...image.config, rootfs: { type: 'layers' as const, diff_ids: layers.map(({ diffId }) => diffId) } };
      const record = await recordImage({ content: this.#parts.content, store: this.store }, Buffer.from(JSON.stringify(config)), descriptors, image.tags.map((tag) => familiarTag(parseReference(tag))), image.annotations);
      this.#announce('create', record, image.tags[0] ?? record.id);
      return record;
    } finally {
      holds.release();
    }
  }

  /** Puts images that are here into one index under these names. */
  async addIndex(members: readonly IndexMember[], tags: readonly string[], annotations: Readonly<Record<string, string>> = {}): Promise<ImageRecord> {
    const record = await recordIndex({ content: this.#parts.content, store: this.store }, members, tags.map((tag) => familiarTag(parseReference(tag))), annotations);
    this.#announce('create', record, tags[0] ?? record.id);
    return record;
  }

  /** Takes an index away that nobody has named. */
  async discardIndex(digest: string): Promise<void> {
    await this.collect(await this.store.exclusively(() => this.store.dropNameless(digest)));
  }

  /** The configuration of an image that is here, byte for byte. */
  readConfig(id: Digest): Promise<Buffer> {
    return this.#parts.content.read(id);
  }

  /** Does work whose snapshots nothing names yet; when it ends, those that no image took are removed. */
  async holding<T>(work: (holds: LayerHolds) => Promise<T>): Promise<T> {
    const holds = this.held.open();
    try {
      return await work(holds);
    } finally {
      await this.collect(holds.release());
    }
  }

  /** Removes those of the snapshots that nothing needs; returns the bytes freed. */
  async collect(snapshotIds: Iterable<string>): Promise<number> {
    const needed = this.#neededSnapshots();
    let freed = 0;
    for (const id of snapshotIds) {
      const snapshot = this.#parts.snapshots.get(id);
      // What is needed may have changed while others were removed: it is asked again right before.
      if (!snapshot || needed.has(id) || this.held.has(id) || this.#neededSnapshots().has(id)) continue;
      await this.#parts.snapshots.remove(id);
      freed += snapshot.size;
    }
    return freed;
  }

  /** Removes the copies of layers for other ids on which no container stands; returns the bytes freed. */
  pruneCopies(): Promise<number> {
    return this.#parts.snapshots.shifted.prune(() => this.#parts.shiftedInUse?.() ?? new Set());
  }

  /** For `docker info`: the images that cannot be used. */
  warnings(): string[] {
    return this.store.incomplete().map(({ names, manifest }) => `WARNING: The image ${names.join(', ') || manifest} cannot be used: something of it is missing or damaged. See: berth system check`);
  }

  /** What is installed in an image, as an SPDX document. */
  async sbom(ref: string, platform: Platform | undefined, signal: AbortSignal): Promise<Predicate> {
    return imageSbom(this.#parts.snapshots, platform ? this.resolveFor(ref, platform) : this.resolve(ref), signal);
  }

  /** Compares the records with the disk. `busy`: builds run. */
  inspector(busy: () => boolean): ImageInspector {
    const { content, snapshots } = this.#parts;
    return new ImageInspector({
      content,
      store: this.store,
      snapshots: snapshots.inspector(() => this.store.loadAgain()),
      busy: () => busy() || this.held.some(),
      needed: () => this.#neededSnapshots(),
      collect: () => this.collect(snapshots.list().map(({ id }) => id)),
    });
  }

  /** Gives up the layers of pulls that a kill cut short and nobody went on with; returns the bytes freed. */
  async dropInterrupted(): Promise<number> {
    const layers = [...this.interrupted.layers()];
    await this.interrupted.forget();
    return this.collect(layers.flatMap((diffId) => this.#parts.snapshots.findByDiffId(diffId)?.id ?? []));
  }

  #neededSnapshots(): Set<string> {
    const layersKept = [...this.interrupted.layers()].flatMap((diffId) => this.#parts.snapshots.findByDiffId(diffId)?.id ?? []);
    return new Set([...this.store.snapshotsInUse(), ...this.#parts.snapshotsInUse(), ...layersKept]);
  }

  /** What index.json says of the image's manifest. */
  async descriptor(image: ImageRecord): Promise<Pick<Descriptor, 'mediaType' | 'digest' | 'size'>> {
    const known = this.#parts.content.entries.find((entry) => entry.digest === image.manifestDigest);
    return known ?? { mediaType: mediaTypes.ociManifest, digest: image.manifestDigest, size: (await this.#parts.content.read(image.manifestDigest)).length };
  }

  /** What a name, or a whole index, means. */
  #meaning({ index, repoTags }: ImageRecord, ref: string): Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | undefined {
    const name = nameIn(ref);
    return (name !== undefined && repoTags.includes(name) ? this.store.meaningOf(name) : undefined) ?? index?.descriptor;
  }

  #announce(action: string, image: ImageRecord, name: string): void {
    this.#parts.events.publish('image', action, image.id, { name });
  }
}
