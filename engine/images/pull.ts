import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import { hostPlatform } from '../base/platform.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema, indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor, Manifest } from '../content/oci.ts';
import type { Credentials } from '../registry/auth.ts';
import { layerEncoding, layerForeign, registryDocumentInvalid } from '../registry/errors.ts';
import { familiarTag } from '../registry/reference.ts';
import type { Reference } from '../registry/reference.ts';
import type { Registries } from '../registry/registries.ts';
import type { FetchedManifest, RegistryClient } from '../registry/registryClient.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';
import type { InterruptedPulls } from './interruptedPulls.ts';
import type { LayerHolds } from './layerHolds.ts';
import { inParallel } from './parallel.ts';
import { choosePlatform } from './platform.ts';
import type { WantedPlatform } from './platform.ts';
import type { Unpacker } from './unpacker.ts';

export interface PullParts {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly unpacker: Unpacker;
  readonly registries: Registries;
  readonly interrupted: InterruptedPulls;
}

export interface PullOptions {
  readonly platform?: WantedPlatform;
  /** The name stays with the image that has it here: this one is for another platform. */
  readonly keepName?: boolean;
  readonly credentials?: Credentials;
}

/** Bytes; configurations have a few thousand. */
const MAX_CONFIG = 8 * 1024 * 1024;

/** Pulls one image; layers that are here are not downloaded. Reports as Docker words it. Cancelled or broken, it leaves nothing half-made. */
export async function pullImage(parts: PullParts, reference: Reference, options: PullOptions, holds: LayerHolds, ctx: OperationContext): Promise<{ image: ImageRecord; digest: string }> {
  using client = parts.registries.client(reference, options.credentials);
  const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest', ctx.signal);
  const fetched = await choose(client, reference, top, options.platform ?? hostPlatform(), ctx.signal);
  const manifest = parseDocument(manifestSchema, fetched.body, reference, 'the manifest');
  refuseUnusable(manifest, reference);
  const config = await fetchConfig(client, manifest, reference, ctx.signal);
  const { rootfs } = parseDocument(imageConfigSchema, config, reference, 'the configuration');
  if (rootfs.diff_ids.length !== manifest.layers.length) throw registryDocumentInvalid({ reference: familiarTag(reference), what: 'the configuration', detail: `it has ${rootfs.diff_ids.length} layers, the manifest ${manifest.layers.length}` });
  ctx.report({ id: reference.tag ?? reference.digest ?? 'latest', status: `Pulling from ${reference.path}` });
  const jobs = manifest.layers.map((descriptor, index) => ({ descriptor, diffId: rootfs.diff_ids[index] ?? '' }));
  const image = await parts.interrupted.during(fetched.digest, rootfs.diff_ids, async () => {
    await fetchLayers(parts, client, jobs, holds, ctx);
    return record(parts, reference, { top, fetched, manifest, config }, options.keepName ?? false);
  });
  return { image, digest: top.digest };
}

function record({ store, content }: PullParts, reference: Reference, { top, fetched, manifest, config }: { top: FetchedManifest; fetched: FetchedManifest; manifest: Manifest; config: Buffer }, keepName: boolean): Promise<ImageRecord> {
  return store.exclusively(async () => {
    await content.put(config, manifest.config.digest, 'The configuration');
    await content.put(fetched.body, fetched.digest);
    const name = reference.digest !== undefined && reference.tag === undefined ? undefined : familiarTag({ ...reference, digest: undefined });
    return store.add({
      manifest: { mediaType: fetched.mediaType, digest: fetched.digest, size: fetched.body.length },
      tags: name === undefined || keepName ? [] : [name],
      ...(name !== undefined && keepName ? { platformOf: name } : {}),
      repoDigests: [`${reference.familiarName}@${top.digest}`],
    });
  });
}

/** The manifest for the platform, out of an index if there is one. */
async function choose(client: RegistryClient, reference: Reference, top: FetchedManifest, wanted: WantedPlatform, signal: AbortSignal): Promise<FetchedManifest> {
  if (top.mediaType !== mediaTypes.ociIndex && top.mediaType !== mediaTypes.dockerIndex) return top;
  const { manifests } = parseDocument(indexSchema, top.body, reference, 'the index');
  return client.manifest(choosePlatform(manifests, wanted, familiarTag(reference)).digest, signal);
}

/** A document of the registry's, checked. Throws REGISTRY_DOCUMENT_INVALID. */
function parseDocument<T>(schema: z.ZodType<T>, body: Buffer, reference: Reference, what: string): T {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw registryDocumentInvalid({ reference: familiarTag(reference), what, detail: 'it is not what the OCI image specification says (version 1 of the manifest format is not supported)' }, { cause: error });
  }
}

const LAYER_TYPES: readonly string[] = [mediaTypes.ociLayer, mediaTypes.ociLayerGzip, mediaTypes.ociLayerZstd, mediaTypes.dockerLayer, mediaTypes.dockerLayerGzip, mediaTypes.dockerLayerZstd];

/** Before anything is downloaded. Throws LAYER_FOREIGN, LAYER_ENCODING. */
function refuseUnusable({ layers }: Manifest, reference: Reference): void {
  for (const { mediaType, digest, urls } of layers) {
    if (/\.foreign\.|\.nondistributable\./.test(mediaType) || (urls?.length ?? 0) > 0) throw layerForeign({ reference: familiarTag(reference), digest });
    if (!LAYER_TYPES.includes(mediaType)) throw layerEncoding({ reference: familiarTag(reference), digest, mediaType });
  }
}

async function fetchConfig(client: RegistryClient, manifest: Manifest, reference: Reference, signal: AbortSignal): Promise<Buffer> {
  if (manifest.config.size > MAX_CONFIG) throw registryDocumentInvalid({ reference: familiarTag(reference), what: 'the configuration', detail: `it is ${manifest.config.size} bytes long` });
  return client.beyondMirrors(async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of await client.blob(manifest.config, signal)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }, signal);
}

interface LayerJob {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

async function fetchLayers(parts: PullParts, client: RegistryClient, wanted: readonly LayerJob[], holds: LayerHolds, ctx: OperationContext): Promise<void> {
  await inParallel(wanted, parts.registries.settings.parallelDownloads, ctx.signal, (job, signal) => fetchLayer(parts, client, job, holds, { ...ctx, signal }));
}

async function fetchLayer(parts: PullParts, client: RegistryClient, { descriptor, diffId }: LayerJob, holds: LayerHolds, ctx: OperationContext): Promise<void> {
  const id = descriptor.digest.slice(7, 19);
  let fetched = 0;
  let told = 0;
  const open = (): Promise<Readable> => {
    ctx.report({ id, status: 'Pulling fs layer' });
    fetched = 0;
    return client.blob(descriptor, ctx.signal, (count) => {
      fetched += count;
      if (fetched === descriptor.size) return ctx.report({ id, status: 'Extracting' });
      if (Date.now() - told < 100) return;
      told = Date.now();
      ctx.report({ id, status: 'Downloading', current: fetched, total: descriptor.size });
    });
  };
  await client.beyondMirrors(() => parts.unpacker.layer(diffId, open, holds, ctx.signal), ctx.signal);
  ctx.report({ id, status: fetched > 0 ? 'Pull complete' : 'Already exists' });
}
