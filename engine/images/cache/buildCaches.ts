import { Readable } from 'node:stream';
import { digestOf } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import type { OperationContext } from '../../base/context.ts';
import { fitsPlatform } from '../../base/platform.ts';
import type { Platform } from '../../base/platform.ts';
import { cacheMediaTypes, INLINE_CACHE } from '../../content/buildCache.ts';
import type { CacheRecord } from '../../content/buildCache.ts';
import { mediaTypes } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import type { Credentials } from '../../registry/auth.ts';
import { parseReference } from '../../registry/reference.ts';
import type { Reference } from '../../registry/reference.ts';
import { RepositoryWriter } from '../../registry/repositoryWriter.ts';
import type { ImageRecord } from '../imageRecord.ts';
import type { ImageService } from '../imageService.ts';
import { inParallel } from '../parallel.ts';
import type { PushParts } from '../push.ts';
import { pushLayer } from '../pushLayer.ts';
import { readFolderCache } from './folderCache.ts';
import { OpenedCache, parseInline } from './openedCache.ts';
import type { CacheContents, CachedLayer } from './openedCache.ts';
import { readRegistryCache } from './registryCache.ts';

export type CacheSource = { readonly type: 'registry' | 'image'; readonly ref: string } | { readonly type: 'local'; readonly folder: string; readonly tag?: string };

export interface CacheToPush {
  readonly records: readonly CacheRecord[];
  readonly layers: ReadonlyArray<{ readonly snapshotId: string } | CachedLayer>;
}

/** A layer as the manifest of a cache names it. */
export interface CacheBlob {
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
}

const PARALLEL = 5;

/** Build caches in registries, folders and images. */
export class BuildCacheStore {
  readonly #parts: PushParts & { readonly images: ImageService };

  constructor(parts: Omit<PushParts, 'store'> & { readonly images: ImageService }) {
    this.#parts = { ...parts, store: parts.images.store };
  }

  /** One; of an index, those that are inside its images for these platforms. Throws REGISTRY_*, BUILD_CACHE_INVALID. */
  async open(source: CacheSource, platforms: readonly Platform[], credentials: Credentials | undefined, signal: AbortSignal): Promise<OpenedCache[]> {
    return (await this.#contents(source, platforms, credentials, signal)).map((contents) => new OpenedCache(contents, this.#parts.images));
  }

  /** Its manifest goes last: before that nobody sees anything of it. */
  async push(ref: string, cache: CacheToPush, credentials: Credentials | undefined, ctx: OperationContext): Promise<void> {
    const reference = parseReference(ref);
    using writer = new RepositoryWriter(this.#parts.registries.session(reference.domain, reference.path, 'push', credentials), reference.path);
    const blobs = await inParallel(cache.layers, PARALLEL, ctx.signal, (layer, signal) => this.#pushLayer(writer, layer, reference, { ...ctx, signal }));
    const { config, manifest } = cacheManifest(cache.records, blobs);
    await writer.upload({ open: () => Readable.from([config]), expected: digestOf(config) }, ctx.signal);
    await writer.putManifest(reference.tag ?? 'latest', { mediaType: mediaTypes.ociManifest, body: manifest }, ctx.signal);
  }

  async #contents(source: CacheSource, platforms: readonly Platform[], credentials: Credentials | undefined, signal: AbortSignal): Promise<CacheContents[]> {
    if (source.type === 'local') return readFolderCache(source.folder, source.tag, platforms);
    const reference = parseReference(source.ref);
    const here = source.type === 'image' ? await this.#imagesHere(source.ref, platforms) : [];
    return here.length > 0 ? here : readRegistryCache(this.#parts.registries, reference, platforms, credentials, signal);
  }

  /** An image that is here and has a cache inside; of an index, those for these platforms. */
  async #imagesHere(ref: string, platforms: readonly Platform[]): Promise<CacheContents[]> {
    const { images } = this.#parts;
    if (!images.has(ref)) return [];
    const image = images.resolve(ref);
    const members = image.index?.images.filter(({ config }) => platforms.some((platform) => fitsPlatform(config, platform))) ?? [image];
    return Promise.all(members.filter(({ config }) => config[INLINE_CACHE] !== undefined).map((member) => this.#imageHere(ref, member)));
  }

  async #imageHere(ref: string, { id, layers }: ImageRecord): Promise<CacheContents> {
    const { content, snapshots } = this.#parts;
    const sizes = await Promise.all(layers.map(({ snapshotId }) => snapshots.identify(snapshotId)));
    const blobs = layers.map(({ diffId }, index): Descriptor => ({ mediaType: mediaTypes.ociLayer, digest: diffId, size: sizes[index]?.size ?? 0 }));
    return {
      name: ref,
      document: parseInline(ref, await content.read(id)),
      blobs,
      open: async ({ digest }) => (await snapshots.openTar(layers.find(({ diffId }) => diffId === digest)?.snapshotId ?? '')) as Readable,
    };
  }

  async #pushLayer(writer: RepositoryWriter, layer: CacheToPush['layers'][number], reference: Reference, ctx: OperationContext): Promise<CacheBlob> {
    const snapshotId = 'snapshotId' in layer ? layer.snapshotId : layer.here();
    if (snapshotId !== undefined) {
      const { diffId, size } = await this.#parts.snapshots.identify(snapshotId);
      const original: Descriptor = 'blob' in layer ? layer.blob : { mediaType: mediaTypes.ociLayer, digest: diffId, size };
      const descriptor = await pushLayer(this.#parts, writer, { diffId, snapshotId, original, isAsPushed: false, image: { repoDigests: [] }, reference, options: {} }, ctx);
      return { diffId, descriptor };
    }
    const cached = layer as CachedLayer;
    if (!(await writer.has(cached.blob.digest, ctx.signal))) await writer.upload({ open: () => cached.open(ctx.signal), expected: cached.blob.digest }, ctx.signal);
    return { diffId: cached.diffId, descriptor: cached.blob };
  }
}

/** The document of a cache and the manifest that names it, as bytes. */
export function cacheManifest(records: readonly CacheRecord[], blobs: readonly CacheBlob[]): { readonly config: Buffer; readonly manifest: Buffer } {
  const config = Buffer.from(JSON.stringify({ version: 1, layers: blobs.map(({ diffId }) => diffId), records }));
  const layers = blobs.map(({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size }));
  const described = { mediaType: cacheMediaTypes.config, digest: digestOf(config), size: config.length };
  return { config, manifest: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, artifactType: cacheMediaTypes.artifact, config: described, layers })) };
}
