import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { OperationContext } from '../base/context.ts';
import { hostPlatform } from '../base/platform.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { ImageConfig } from '../content/oci.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import { applyChanges } from './changes.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';
import type { LayerHolds } from './layerHolds.ts';
import { recordImage } from './recordImage.ts';
import type { Unpacker } from './unpacker.ts';

export interface ImportParts {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly unpacker: Unpacker;
}

export interface ImportOptions {
  /** The image's name; absent: none. */
  readonly repo?: string;
  readonly tag?: string;
  readonly message?: string;
  /** Dockerfile instructions such as `CMD ["bash"]`. */
  readonly changes?: readonly string[];
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

/** Makes an image of one layer from the tar of a root file system (plain, gzip or zstd). Throws ARCHIVE_*, INVALID_REFERENCE, INVALID_CHANGE. */
export async function importTar({ content, store, unpacker }: ImportParts, stream: Readable, options: ImportOptions, holds: LayerHolds, ctx: OperationContext): Promise<ImageRecord> {
  const tags = options.repo ? [familiarTag(parseReference(options.tag ? `${options.repo}:${options.tag}` : options.repo))] : [];
  const config = applyChanges({}, options.changes ?? []);
  const layer = await unpacker.unpack(stream, holds, ctx.signal);
  const { size } = await unpacker.identify(layer.snapshotId);
  const created = new Date().toISOString();
  const { os, architecture, variant } = options.platform ?? hostPlatform();
  const image: ImageConfig = {
    created,
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, comment: options.message ?? 'Imported from -' }],
  };
  return recordImage({ content, store }, Buffer.from(JSON.stringify(image)), [{ mediaType: mediaTypes.ociLayer, digest: layer.diffId, size }], tags);
}
