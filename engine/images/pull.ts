import { arch } from 'node:os';
import type { OperationContext } from '../base/context.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema, indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor, ImageConfig, Manifest, Platform } from '../content/oci.ts';
import type { Credentials } from '../registry/auth.ts';
import { platformMissing } from '../registry/errors.ts';
import { familiarTag } from '../registry/reference.ts';
import type { Reference } from '../registry/reference.ts';
import { RegistryClient } from '../registry/registryClient.ts';
import type { FetchedManifest } from '../registry/registryClient.ts';
import type { ImageLayer, ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';
import type { Unpacker } from './unpacker.ts';

export interface PullParts {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly unpacker: Unpacker;
}

export interface PullOptions {
  readonly platform?: Pick<Platform, 'os' | 'architecture'> & { readonly variant?: string };
  readonly credentials?: Credentials;
}

const PARALLEL = 3;
const GO_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Pulls one image; layers that are here are not downloaded. Reports as Docker words it. Cancelled or broken, it leaves nothing half-made. */
export async function pullImage(parts: PullParts, reference: Reference, options: PullOptions, ctx: OperationContext): Promise<{ image: ImageRecord; digest: string }> {
  const client = new RegistryClient(reference, options.credentials);
  const wanted = options.platform ?? { os: 'linux', architecture: GO_ARCH[arch()] ?? arch() };
  const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest', ctx.signal);
  const fetched = await choose(client, reference, top, wanted, ctx.signal);
  const manifest = manifestSchema.parse(JSON.parse(fetched.body.toString('utf8')));
  const config = await fetchConfig(client, manifest, ctx.signal);
  const parsed = imageConfigSchema.parse(JSON.parse(config.toString('utf8')));
  const holds: Array<() => void> = [];
  try {
    await fetchLayers(parts, client, manifest, parsed, holds, ctx);
    await parts.content.put(config, manifest.config.digest, 'The configuration');
    await parts.content.put(fetched.body, fetched.digest);
    const image = await parts.store.add({
      manifest: { mediaType: fetched.mediaType, digest: fetched.digest, size: fetched.body.length },
      tags: reference.digest !== undefined && reference.tag === undefined ? [] : [familiarTag({ ...reference, digest: undefined })],
      repoDigests: [`${reference.familiarName}@${top.digest}`],
    });
    return { image, digest: top.digest };
  } finally {
    for (const release of holds) release();
  }
}

/** The manifest for the platform, out of an index if there is one. */
async function choose(client: RegistryClient, reference: Reference, top: FetchedManifest, wanted: Required<PullOptions>['platform'], signal: AbortSignal): Promise<FetchedManifest> {
  if (top.mediaType !== mediaTypes.ociIndex && top.mediaType !== mediaTypes.dockerIndex) return top;
  const { manifests } = indexSchema.parse(JSON.parse(top.body.toString('utf8')));
  const fits = manifests.filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture);
  const best = fits.find(({ platform }) => (platform?.variant ?? '') === (wanted.variant ?? '')) ?? fits[0];
  if (best) return client.manifest(best.digest, signal);
  const available = manifests.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : 'unknown')).join(', ');
  throw platformMissing({ reference: familiarTag(reference), platform: `${wanted.os}/${wanted.architecture}`, available });
}

async function fetchConfig(client: RegistryClient, manifest: Manifest, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await client.blob(manifest.config, signal)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function fetchLayers(parts: PullParts, client: RegistryClient, manifest: Manifest, config: ImageConfig, holds: Array<() => void>, ctx: OperationContext): Promise<void> {
  const jobs = manifest.layers.map((descriptor, index) => ({ descriptor, diffId: config.rootfs.diff_ids[index] ?? '' }));
  const failed = new AbortController();
  const signal = AbortSignal.any([ctx.signal, failed.signal]);
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const layer = await fetchLayer(parts, client, job.descriptor, job.diffId, { ...ctx, signal });
      holds.push(parts.unpacker.hold(layer.snapshotId));
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: PARALLEL }, () =>
      worker().catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    ),
  );
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const real = reasons.find((reason) => !(reason instanceof Error && reason.name === 'AbortError'));
  if (reasons.length > 0) throw real ?? reasons[0];
}

async function fetchLayer(parts: PullParts, client: RegistryClient, descriptor: Descriptor, diffId: string, ctx: OperationContext): Promise<ImageLayer> {
  const id = descriptor.digest.slice(7, 19);
  let fetched = 0;
  let told = 0;
  const layer = await parts.unpacker.layer(
    diffId,
    () => {
      ctx.report({ id, status: 'Pulling fs layer' });
      return client.blob(descriptor, ctx.signal, (count) => {
        fetched += count;
        if (Date.now() - told < 100) return;
        told = Date.now();
        ctx.report({ id, status: 'Downloading', current: fetched, total: descriptor.size });
      });
    },
    ctx.signal,
  );
  ctx.report({ id, status: fetched > 0 ? 'Pull complete' : 'Already exists' });
  return layer;
}
