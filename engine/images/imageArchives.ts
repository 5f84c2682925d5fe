import type { Readable } from 'node:stream';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import type { EventBus } from '../base/eventBus.ts';
import type { CacheRecord } from '../content/buildCache.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema } from '../content/oci.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import { cacheArchive } from './cache/cacheArchive.ts';
import { noSuchImage } from './errors.ts';
import { allLayers } from './imageRecord.ts';
import type { ImageLayer, ImageRecord } from './imageRecord.ts';
import type { ImageService } from './imageService.ts';
import { importTar } from './importTar.ts';
import type { ImportOptions } from './importTar.ts';
import { saveImages, selectSaved } from './save.ts';

/** What a build made. */
export interface BuiltImage {
  readonly config: Buffer;
  readonly layers: readonly ImageLayer[];
  readonly tags: readonly string[];
  readonly annotations: { readonly manifest: Readonly<Record<string, string>>; readonly descriptor: Readonly<Record<string, string>> };
}

/** Images as archives: what `docker save` and `docker import` do. */
export class ImageArchives {
  readonly #images: ImageService;
  readonly #content: ContentStore;
  readonly #snapshots: SnapshotStore;
  readonly #events: EventBus;

  constructor(parts: { images: ImageService; content: ContentStore; snapshots: SnapshotStore; events: EventBus }) {
    this.#images = parts.images;
    this.#content = parts.content;
    this.#snapshots = parts.snapshots;
    this.#events = parts.events;
  }

  /** The archive of these images. `without`: layers that are left out, for a reader that has them. Throws NO_SUCH_IMAGE before anything is written. */
  async save(refs: readonly string[], without: ReadonlySet<Digest> = new Set()): Promise<Readable> {
    const saved = selectSaved(refs, this.#images.list(), (ref) => this.#images.resolve(ref));
    const holds = this.#images.held.open();
    for (const { image } of saved) for (const { snapshotId } of allLayers(image)) holds.add(snapshotId);
    const release = (): void => void this.#images.collect(holds.release());
    try {
      const stream = await saveImages({ content: this.#content, snapshots: this.#snapshots, meaningOf: (tag) => this.#images.store.meaningOf(tag)?.digest }, saved, { without });
      stream.once('close', release);
      for (const { image } of saved) this.#events.publish('image', 'save', image.id, { name: image.id });
      return stream;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The archive of what a build made and no image here is: as `docker save` writes it, or an OCI layout alone. */
  exportImage({ config, layers, annotations, tags }: BuiltImage, kind: 'docker' | 'oci'): Promise<Readable> {
    const parsed = imageConfigSchema.parse(JSON.parse(config.toString('utf8')));
    const image = { id: digestOf(config), layers, config: parsed, created: parsed.created ?? new Date(0).toISOString() };
    const names = tags.map((tag) => familiarTag(parseReference(tag)));
    return saveImages({ content: { read: () => Promise.resolve(config) }, snapshots: this.#snapshots }, [{ image, tags: names, annotations }], { ociOnly: kind === 'oci' });
  }

  /** The archive of a whole index that is here, under these names. */
  exportIndex(digest: Digest, tags: readonly string[], descriptor: Readonly<Record<string, string>>, kind: 'oci' | 'docker'): Promise<Readable> {
    const image = this.#images.list().find(({ index }) => index?.descriptor.digest === digest);
    if (!image) throw noSuchImage({ ref: digest });
    return saveImages({ content: this.#content, snapshots: this.#snapshots }, [{ image, tags: tags.map((tag) => familiarTag(parseReference(tag))), annotations: { manifest: {}, descriptor } }], { ociOnly: kind === 'oci' });
  }

  /** The archive of a build cache, an OCI layout. */
  exportCache(records: readonly CacheRecord[], snapshotIds: readonly string[], tag: string): Promise<Readable> {
    return cacheArchive(this.#snapshots, records, snapshotIds, tag);
  }

  /** An image from the tar of a root file system. */
  async import(stream: Readable, options: ImportOptions, ctx: OperationContext): Promise<ImageRecord> {
    const parts = { content: this.#content, store: this.#images.store, unpacker: this.#images.unpacker };
    const image = await this.#images.holding((holds) => importTar(parts, stream, options, holds, ctx));
    this.#events.publish('image', 'import', image.id, { name: image.repoTags[0] ?? image.id });
    return image;
  }
}
