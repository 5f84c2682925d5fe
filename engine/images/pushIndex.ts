import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import type { Reference } from '../registry/reference.ts';
import { RepositoryWriter } from '../registry/repositoryWriter.ts';
import type { Attestation } from './attestations.ts';
import type { ImageIndex, ImageRecord } from './imageRecord.ts';
import { pushImage } from './push.ts';
import type { PushedImage, PushOptions, PushParts } from './push.ts';
import { indexDocument, movedIndex } from './retargeted.ts';

/** Pushes images of several platforms and the index that names them all. */
export async function pushIndex(parts: PushParts, images: readonly ImageRecord[], reference: Reference, options: PushOptions, ctx: OperationContext): Promise<PushedImage> {
  const manifests: Descriptor[] = [];
  for (const image of images) {
    const { os, architecture, variant } = image.config;
    manifests.push({ ...(await pushMember(parts, image, reference, options, ctx)), platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } });
  }
  using writer = writerFor(parts, reference, options);
  return putIndex(writer, reference, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })), mediaTypes.ociIndex, ctx);
}

/** Pushes an index that is here, with its images and what is attested of them. It keeps its digest where its images keep theirs. */
export async function pushWholeIndex(parts: PushParts, index: ImageIndex, reference: Reference, options: PushOptions, ctx: OperationContext): Promise<PushedImage> {
  const read = (digest: Digest): Promise<Buffer> => parts.content.read(digest);
  const { manifests, attestations } = await movedIndex(read, index, (image) => pushMember(parts, image, reference, options, ctx));
  using writer = writerFor(parts, reference, options);
  for (const attestation of attestations) await pushAttestation(writer, attestation, ctx.signal);
  const { body, mediaType } = await indexDocument(read, index, manifests);
  return putIndex(writer, reference, body, mediaType, ctx);
}

/** Without a name: the index names it. */
function pushMember(parts: PushParts, image: ImageRecord, reference: Reference, options: PushOptions, ctx: OperationContext): Promise<PushedImage> {
  return pushImage(parts, image, { ...reference, tag: undefined, digest: undefined }, options, ctx);
}

async function pushAttestation(writer: RepositoryWriter, { statements, config, manifest, descriptor }: Attestation, signal: AbortSignal): Promise<void> {
  for (const { digest, bytes } of [...statements, config]) {
    if (!(await writer.has(digest, signal))) await writer.upload({ open: () => Readable.from([bytes]), expected: digest }, signal);
  }
  await writer.putManifest(manifest.digest, { mediaType: descriptor.mediaType, body: manifest.bytes }, signal);
}

async function putIndex(writer: RepositoryWriter, reference: Reference, body: Buffer, mediaType: string, ctx: OperationContext): Promise<PushedImage> {
  const digest = await writer.putManifest(reference.tag ?? (reference.digest === undefined ? 'latest' : digestOf(body)), { mediaType, body }, ctx.signal);
  return { mediaType, digest, size: body.length };
}

function writerFor(parts: PushParts, reference: Reference, options: PushOptions): RepositoryWriter {
  return new RepositoryWriter(parts.registries.session(reference.domain, reference.path, 'push', options.credentials), reference.path);
}
