import type { Readable } from 'node:stream';
import type { Digest } from '../../content/digest.ts';
import type { OperationContext } from '../../base/context.ts';
import { isFull } from '../../base/errors.ts';
import { areWhole, cacheDocumentSchema, cacheInvalid, cacheLayerLost, INLINE_CACHE, inlineCacheSchema } from '../../content/buildCache.ts';
import type { CacheDocument } from '../../content/buildCache.ts';
import { imageConfigSchema } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import type { ImageService } from '../imageService.ts';
import type { LayerHolds } from '../layerHolds.ts';

/** A layer of a cache, which may be here. */
export interface CachedLayer {
  readonly diffId: Digest;
  readonly blob: Descriptor;
  here(): string | undefined;
  fetch(ctx: OperationContext): Promise<string>;
  open(signal: AbortSignal): Promise<Readable>;
}

/** What a cache is kept as: its document, the blobs of its layers, and the way to them. */
export interface CacheContents {
  readonly name: string;
  readonly document: CacheDocument;
  readonly blobs: readonly Descriptor[];
  readonly open: (blob: Descriptor, signal: AbortSignal) => Promise<Readable>;
  readonly close?: () => void;
}

/** A build cache that is being used. What is got of it stays until it is disposed of. */
export class OpenedCache implements AsyncDisposable {
  readonly #contents: CacheContents;
  readonly #images: ImageService;
  readonly #holds: LayerHolds;

  constructor(contents: CacheContents, images: ImageService) {
    this.#contents = contents;
    this.#images = images;
    this.#holds = images.held.open();
  }

  get name(): string {
    return this.#contents.name;
  }

  get document(): CacheDocument {
    return this.#contents.document;
  }

  layer(index: number): CachedLayer {
    const { name, document, blobs, open } = this.#contents;
    const diffId = document.layers[index];
    const blob = blobs[index];
    if (diffId === undefined || !blob) throw new Error(`${name} has no layer ${index}`);
    return {
      diffId,
      blob,
      here: () => this.#images.unpacker.known(diffId, this.#holds)?.snapshotId,
      fetch: (ctx) => this.#fetch(diffId, blob, ctx),
      open: (signal) => open(blob, signal),
    };
  }

  /** Whatever the cache says, what comes is checked against the digest of the blob and that of the layer. */
  async #fetch(diffId: Digest, blob: Descriptor, ctx: OperationContext): Promise<string> {
    const id = blob.digest.slice(7, 19);
    try {
      ctx.report({ id, status: 'Fetching from the build cache' });
      const { snapshotId } = await this.#images.unpacker.layer(diffId, () => this.#contents.open(blob, ctx.signal), this.#holds, ctx.signal);
      ctx.report({ id, status: 'Pull complete' });
      return snapshotId;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (isFull(error)) throw error;
      throw cacheLayerLost({ cache: this.name, layer: diffId, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#contents.close?.();
    await this.#images.collect(this.#holds.release());
  }
}

/** The document of a cache. Throws BUILD_CACHE_INVALID. */
export function parseDocument(name: string, bytes: Buffer, layers: number): CacheDocument {
  const document = parsed(name, () => cacheDocumentSchema.parse(JSON.parse(bytes.toString('utf8'))));
  if (document.layers.length !== layers) throw cacheInvalid({ cache: name, detail: `it describes ${document.layers.length} layers, and its manifest has ${layers}` });
  return document;
}

/** The cache inside an image. Throws BUILD_CACHE_INVALID. */
export function parseInline(name: string, config: Buffer): CacheDocument {
  const image = parsed(name, () => imageConfigSchema.parse(JSON.parse(config.toString('utf8'))));
  if (image[INLINE_CACHE] === undefined) throw cacheInvalid({ cache: name, detail: 'it is an image without one inside. Build it with --cache-to type=inline' });
  const { records } = parsed(name, () => inlineCacheSchema.parse(image[INLINE_CACHE]));
  const layers = image.rootfs.diff_ids;
  if (!areWhole(records, layers)) throw cacheInvalid({ cache: name, detail: 'a record names a layer that the image has not' });
  return { version: 1, layers, records };
}

function parsed<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw cacheInvalid({ cache: name, detail: 'it is not of the form that this version of Berth writes' }, { cause: error });
  }
}
