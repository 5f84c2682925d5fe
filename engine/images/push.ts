import { Readable } from 'node:stream';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor, Manifest } from '../content/oci.ts';
import type { Credentials } from '../registry/auth.ts';
import type { Reference } from '../registry/reference.ts';
import type { Registries } from '../registry/registries.ts';
import { RepositoryWriter } from '../registry/repositoryWriter.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';
import type { PackedLayers } from './packedLayers.ts';
import { inParallel } from './parallel.ts';
import { pushLayer } from './pushLayer.ts';

export interface PushParts {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly snapshots: FileSnapshotStore;
  readonly registries: Registries;
  readonly packed: PackedLayers;
}

export interface PushOptions {
  readonly credentials?: Credentials;
}

/** An image as it is in a registry now. */
export interface PushedImage {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

const PARALLEL = 5;

/**
 * Pushes an image. Where the registry has, takes over or is given the very blobs of the image's manifest, the manifest goes as it is and
 * keeps its digest; layers whose compressed bytes are nowhere to be had are compressed anew, and the manifest says so. The image's id stays.
 */
export async function pushImage(parts: PushParts, image: ImageRecord, reference: Reference, options: PushOptions, ctx: OperationContext): Promise<PushedImage> {
  using writer = new RepositoryWriter(parts.registries.session(reference.domain, reference.path, 'push', options.credentials), reference.path);
  const bytes = await parts.content.read(image.manifestDigest);
  const manifest = manifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  const jobs = image.layers.map((layer, index) => ({ ...layer, original: manifest.layers[index] as Descriptor, image, reference, isAsPushed: isAsPushed(image, manifest), options }));
  for (const { diffId } of jobs) ctx.report({ id: diffId.slice(7, 19), status: 'Preparing' });
  const layers = await inParallel(jobs, PARALLEL, ctx.signal, (job, signal) => pushLayer(parts, writer, job, { ...ctx, signal }));
  const config = manifest.config.digest;
  if (!(await writer.has(config, ctx.signal))) await writer.upload({ open: async () => Readable.from([await parts.content.read(config)]), expected: config }, ctx.signal);
  const isSame = layers.every((layer, index) => layer.digest === manifest.layers[index]?.digest);
  const body = isSame ? bytes : rewritten(manifest, layers);
  const mediaType = isSame ? (parts.content.entries.find(({ digest }) => digest === image.manifestDigest)?.mediaType ?? manifest.mediaType ?? mediaTypes.ociManifest) : mediaTypes.ociManifest;
  const digest = await writer.putManifest(reference.tag ?? digestOf(body), { mediaType, body }, ctx.signal);
  return { mediaType, digest, size: body.length };
}

/** Manifests that are made here name plain layers; a registry's own may too, and is then pushed with them. */
function isAsPushed({ repoDigests, manifestDigest, layers }: ImageRecord, manifest: Manifest): boolean {
  return repoDigests.some((name) => name.endsWith(`@${manifestDigest}`)) || manifest.layers.some(({ digest }, index) => digest !== layers[index]?.diffId);
}

/** The manifest with these layers in the place of its own. */
function rewritten(manifest: Manifest, layers: readonly Descriptor[]): Buffer {
  const { annotations } = manifest;
  const plain = ({ digest, size, mediaType }: Descriptor): Descriptor => ({ mediaType: inOci(mediaType), digest, size });
  const config = { mediaType: mediaTypes.ociConfig, digest: manifest.config.digest, size: manifest.config.size };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: layers.map(plain), ...(annotations ? { annotations } : {}) }));
}

const ociNames: Readonly<Record<string, string>> = { [mediaTypes.dockerLayer]: mediaTypes.ociLayer, [mediaTypes.dockerLayerGzip]: mediaTypes.ociLayerGzip, [mediaTypes.dockerLayerZstd]: mediaTypes.ociLayerZstd };

function inOci(mediaType: string): string {
  return ociNames[mediaType] ?? mediaType;
}
