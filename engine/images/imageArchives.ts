import type { Readable } from 'node:stream';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import type { EventBus } from '../base/eventBus.ts';
import type { ContentStore } from '../content/contentStore.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageService } from './imageService.ts';
import { importTar } from './importTar.ts';
import type { ImportOptions } from './importTar.ts';
import { saveImages, selectSaved } from './save.ts';

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
    for (const { image } of saved) for (const { snapshotId } of image.layers) holds.add(snapshotId);
    const release = (): void => void this.#images.collect(holds.release());
    try {
      const stream = await saveImages({ content: this.#content, snapshots: this.#snapshots }, saved, without);
      stream.once('close', release);
      for (const { image } of saved) this.#events.publish('image', 'save', image.id, { name: image.id });
      return stream;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** An image from the tar of a root file system. */
  async import(stream: Readable, options: ImportOptions, ctx: OperationContext): Promise<ImageRecord> {
    const parts = { content: this.#content, store: this.#images.store, unpacker: this.#images.unpacker };
    const image = await this.#images.holding((holds) => importTar(parts, stream, options, holds, ctx));
    this.#events.publish('image', 'import', image.id, { name: image.repoTags[0] ?? image.id });
    return image;
  }
}
