import { createGzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { parseReference } from '../registry/reference.ts';
import type { Reference } from '../registry/reference.ts';
import type { RegistryClient } from '../registry/registryClient.ts';
import type { RepositoryWriter } from '../registry/repositoryWriter.ts';
import type { ImageLayer, ImageRecord } from './imageRecord.ts';
import type { PushOptions, PushParts } from './push.ts';

export interface PushedLayer extends ImageLayer {
  /** What the image's manifest says of the layer. */
  readonly original: Descriptor;
  /** Whether some registry has, or had, the layer in that form. */
  readonly isAsPushed: boolean;
  readonly image: Pick<ImageRecord, 'repoDigests'>;
  /** Where it goes. */
  readonly reference: Reference;
  readonly options: PushOptions;
}

/** Repositories that are asked at most to lend a blob. */
const MOST_LENDERS = 4;

/**
 * Sees to it that the repository has the layer; returns what it is there. In this order: it is there already; another repository of the
 * registry lends it; its bytes are replayed (plain) or copied from the registry that it came from; it is compressed anew.
 */
export async function pushLayer(parts: PushParts, writer: RepositoryWriter, layer: PushedLayer, ctx: OperationContext): Promise<Descriptor> {
  const { diffId, original, isAsPushed } = layer;
  const id = diffId.slice(7, 19);
  const packed = await parts.packed.get(diffId);
  const known: Descriptor[] = [...(isAsPushed ? [original] : []), ...(packed ? [gzipped(packed)] : [])];
  for (const candidate of known) {
    if (!(await writer.has(candidate.digest, ctx.signal))) continue;
    ctx.report({ id, status: 'Layer already exists' });
    return candidate;
  }
  for (const candidate of known) {
    const lender = await lend(writer, candidate.digest, lenders(parts, layer), ctx.signal);
    if (lender === undefined) continue;
    ctx.report({ id, status: `Mounted from ${lender}` });
    return candidate;
  }
  const pushed = (isAsPushed ? await pushOriginal(parts, writer, layer, ctx) : undefined) ?? (await pushPacked(parts, writer, layer, ctx));
  ctx.report({ id, status: 'Pushed' });
  return pushed;
}

async function lend(writer: RepositoryWriter, digest: Digest, repositories: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  for (const repository of repositories) if (await writer.mount(digest, repository, signal).catch(() => (signal.throwIfAborted(), false))) return repository;
  return undefined;
}

/** Other repositories of the same registry that have had the layer, as far as the images here tell. */
function lenders({ store }: PushParts, { diffId, reference }: PushedLayer): string[] {
  const images = store.list().filter(({ layers }) => layers.some((one) => one.diffId === diffId));
  const names = images.flatMap(({ repoDigests }) => repoDigests.map(parseReference));
  return [...new Set(names.filter(({ domain, path }) => domain === reference.domain && path !== reference.path).map(({ path }) => path))].slice(0, MOST_LENDERS);
}

/** The bytes that the manifest names: a plain layer is replayed, a compressed one comes from where it was pulled from, if that is still so. */
async function pushOriginal(parts: PushParts, writer: RepositoryWriter, layer: PushedLayer, ctx: OperationContext): Promise<Descriptor | undefined> {
  const { original, diffId, snapshotId } = layer;
  if (original.digest === diffId) {
    await writer.upload({ open: async () => (await parts.snapshots.openTar(snapshotId)) as Readable, expected: original.digest, onBytes: progress(layer, original.size, ctx) }, ctx.signal);
    return original;
  }
  for (const source of layer.image.repoDigests.map(parseReference)) {
    using client = parts.registries.client(source, source.domain === layer.reference.domain ? layer.options.credentials : undefined);
    let content = await opened(client, original, ctx.signal);
    if (!content) continue;
    const open = async (): Promise<Readable> => {
      const given = content ?? (await client.blob(original, ctx.signal));
      content = undefined;
      return given;
    };
    await writer.upload({ open, expected: original.digest, onBytes: progress(layer, original.size, ctx) }, ctx.signal);
    return original;
  }
  return undefined;
}

/** Milliseconds within which the registry that a layer came from must give it: without it the push goes on all the same. */
const SOURCE_PATIENCE = 10_000;

async function opened(client: RegistryClient, blob: Descriptor, signal: AbortSignal): Promise<Readable | undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), SOURCE_PATIENCE);
  try {
    return await client.blob(blob, AbortSignal.any([signal, late.signal]));
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** The layer's tar, compressed while it goes out. The same tar gives the same bytes. */
async function pushPacked(parts: PushParts, writer: RepositoryWriter, layer: PushedLayer, ctx: OperationContext): Promise<Descriptor> {
  const { diffId, snapshotId } = layer;
  const { size: total } = await parts.snapshots.identify(snapshotId);
  const open = async (): Promise<Readable> => {
    const tar = (await parts.snapshots.openTar(snapshotId)) as Readable;
    const zipped = createGzip({ chunkSize: 256 * 1024 });
    const report = progress(layer, total, ctx);
    tar.on('data', (chunk: Buffer) => report(chunk.length));
    pipeline(tar, zipped, () => undefined); // errors reach whoever reads what is zipped
    return zipped;
  };
  const packed = await writer.upload({ open }, ctx.signal);
  await parts.packed.remember(diffId, packed, (one) => parts.snapshots.findByDiffId(one) !== undefined);
  return gzipped(packed);
}

function gzipped({ digest, size }: { digest: Digest; size: number }): Descriptor {
  return { mediaType: mediaTypes.ociLayerGzip, digest, size };
}

const EVERY_MS = 100;

function progress({ diffId }: ImageLayer, total: number, ctx: OperationContext): (count: number) => void {
  let done = 0;
  let told = 0;
  return (count) => {
    done += count;
    if (Date.now() - told < EVERY_MS) return;
    told = Date.now();
    ctx.report({ id: diffId.slice(7, 19), status: 'Pushing', current: done, total });
  };
}
