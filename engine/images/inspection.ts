import type { Digest } from '../content/digest.ts';
import type { Fault, InspectOptions, Inspection, Inspector } from '../base/inspector.ts';
import type { ContentStore } from '../content/contentStore.ts';
import type { SnapshotInspector } from '../snapshots/inspection.ts';
import type { ImageStore } from './imageStore.ts';

export interface ImageInspectorOptions {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly snapshots: SnapshotInspector;
  /** Something is being pulled, loaded or built: what nothing names yet is not an orphan. */
  readonly busy: () => boolean;
  readonly collect: () => Promise<unknown>;
  readonly needed: () => ReadonlySet<string>;
}

/** Images: every blob is what its digest says, every layer that an image names is here, and nothing is here that none names. */
export class ImageInspector implements Inspector {
  readonly #options: ImageInspectorOptions;

  constructor(options: ImageInspectorOptions) {
    this.#options = options;
  }

  async inspect(options: InspectOptions): Promise<Inspection> {
    const { store, content, snapshots } = this.#options;
    const blobs = await content.list();
    const faults = [...(await this.#blobs(blobs)), ...store.incomplete().map(incomplete), ...(await snapshots.faults(options)), ...this.#orphans(blobs)];
    return { faults, looked: { images: store.list().length, blobs: blobs.length, layers: snapshots.count } };
  }

  async #blobs(blobs: readonly Digest[]): Promise<Fault[]> {
    const faults: Fault[] = [];
    for (const digest of blobs) {
      if (await this.#options.content.isWhole(digest)) continue;
      const names = this.#options.store.namesOf(digest).join(', ');
      faults.push({ code: 'BLOB_CORRUPT', kind: 'image', object: digest, seen: `The blob is not what its digest says${names === '' ? '' : `: ${names} cannot be used`}.`, advice: names === '' ? 'berth system check --repair removes it.' : `Remove the image and pull or load it again: berth rmi -f ${names}`, ...(names === '' ? { repair: () => this.#options.content.delete(digest) } : {}) });
    }
    return faults;
  }

  #orphans(blobs: readonly Digest[]): Fault[] {
    const { store, busy, needed, snapshots, collect } = this.#options;
    if (busy()) return [];
    const named = store.blobsInUse();
    const advice = 'berth system check --repair removes it.';
    const strays = blobs.filter((digest) => !named.has(digest)).map((digest): Fault => ({ code: 'ORPHAN_BLOB', kind: 'image', object: digest, seen: 'No image names this blob.', advice, repair: () => store.sweepBlobs() }));
    const wanted = needed();
    const layers = snapshots.ids().filter((id) => !wanted.has(id)).map((id): Fault => ({ code: 'ORPHAN_LAYER', kind: 'layer', object: id, seen: 'No image, container or step of the build cache needs this layer.', advice, repair: async () => void (await collect()) }));
    return [...strays, ...layers];
  }
}

function incomplete({ names, manifest, reason }: { readonly names: readonly string[]; readonly manifest: string; readonly reason: string }): Fault {
  const object = names.length > 0 ? names.join(', ') : manifest;
  return { code: 'IMAGE_INCOMPLETE', kind: 'image', object, seen: `It cannot be used: ${reason}.`, advice: 'Pull, load or build it again; what is here of it is used.' };
}
