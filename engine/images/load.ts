import type { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import { hostPlatform } from '../base/platform.ts';
import { digestMismatch } from '../content/contentStore.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema, indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import { notAnImageArchive } from './errors.ts';
import { ImageArchive } from './imageArchive.ts';
import { isAttestation } from './attestations.ts';
import type { ImageRecord } from './imageRecord.ts';
import { movedIndex } from './retargeted.ts';
import type { ImageStore } from './imageStore.ts';
import type { LayerHolds } from './layerHolds.ts';
import { choosePlatform } from './platform.ts';
import { recordImage } from './recordImage.ts';
import type { Unpacker } from './unpacker.ts';

export interface LoadParts {
  readonly content: ContentStore;
  readonly store: ImageStore;
  readonly unpacker: Unpacker;
}

const dockerManifestSchema = z.array(z.looseObject({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }));

/** An image as it is here now, and the names that the archive gave it. */
export interface LoadedImage extends ImageRecord {
  readonly givenTags: readonly string[];
}

/** An image of an archive: its configuration, the names of its layers in the archive, its own names. */
interface Found {
  readonly config: Buffer;
  readonly layers: readonly string[];
  readonly tags: readonly string[];
  readonly where: string;
}

/** Loads what `docker save` or an OCI tool wrote (plain, gzip or zstd). Returns the images. Throws NOT_AN_IMAGE_ARCHIVE, ARCHIVE_*, DIGEST_MISMATCH. */
export async function loadImages(parts: LoadParts, source: Readable, holds: LayerHolds, ctx: OperationContext): Promise<LoadedImage[]> {
  const archive = await ImageArchive.read(source, parts.unpacker, holds, ctx);
  const manifest = archive.find('manifest.json');
  const index = archive.find('index.json');
  if (manifest === undefined && index === undefined) throw archive.noManifest();
  const found = manifest === undefined ? fromOci(archive, index ?? '') : fromDocker(archive, manifest);
  const images: LoadedImage[] = [];
  for (const one of found) images.push(await loadOne(parts, archive, one));
  for (const descriptor of index === undefined ? [] : parse(indexSchema, index, 'index.json').manifests) {
    const whole = await loadIndex(parts, archive, descriptor);
    const at = images.findIndex(({ id }) => id === whole?.id);
    if (whole && at >= 0) images[at] = whole;
  }
  return images;
}

/** An index of which the archive has every image, with what is attested of them: its names mean all of it then. */
async function loadIndex(parts: LoadParts, archive: ImageArchive, descriptor: Descriptor): Promise<LoadedImage | undefined> {
  if (!isIndex(descriptor)) return undefined;
  const { manifests, ...rest } = parse(indexSchema, blob(archive, descriptor.digest).toString('utf8'), descriptor.digest);
  if (manifests.some(({ digest }) => archive.find(blobName(digest)) === undefined)) return undefined;
  const found = manifests.filter((row) => !isAttestation(row)).map((row) => ({ manifestDigest: row.digest, image: fromManifest(archive, row, []) }));
  if (found.some(({ image }) => !image.layers.every((name) => archive.hasLayer(name)))) return undefined;
  const moved = await movedIndex((digest) => Promise.resolve(blob(archive, digest)), { manifests, images: found }, async ({ image }) => {
    const { manifestDigest } = await loadOne(parts, archive, image);
    return { mediaType: mediaTypes.ociManifest, digest: manifestDigest, size: (await parts.content.read(manifestDigest)).length };
  });
  const givenTags = namesOf(descriptor).map((tag) => familiarTag(parseReference(tag)));
  return parts.store.exclusively(async () => {
    for (const { statements, config, manifest } of moved.attestations) for (const { bytes } of [...statements, config, manifest]) await parts.content.put(bytes);
    const { digest, size } = await parts.content.put(JSON.stringify({ ...rest, mediaType: mediaTypes.ociIndex, manifests: moved.manifests }));
    return { ...(await parts.store.add({ manifest: { mediaType: mediaTypes.ociIndex, digest, size }, tags: givenTags })), givenTags };
  });
}

function isIndex({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex;
}

function fromDocker(archive: ImageArchive, text: string): Found[] {
  return parse(dockerManifestSchema, text, 'manifest.json').map(({ Config, Layers, RepoTags }) => ({ config: archive.document(Config), layers: Layers, tags: RepoTags ?? [], where: Config }));
}

function fromOci(archive: ImageArchive, text: string): Found[] {
  const images = parse(indexSchema, text, 'index.json').manifests.map((descriptor) => ({ descriptor: imageManifest(archive, descriptor), tags: namesOf(descriptor) }));
  return images.map(({ descriptor, tags }) => fromManifest(archive, descriptor, tags));
}

function fromManifest(archive: ImageArchive, { digest }: Descriptor, tags: readonly string[]): Found {
  const manifest = parse(manifestSchema, blob(archive, digest).toString('utf8'), digest);
  return { config: blob(archive, manifest.config.digest), layers: manifest.layers.map((layer) => blobName(layer.digest)), tags, where: manifest.config.digest };
}

/** The manifest itself, or that of this host's platform out of an index. */
function imageManifest(archive: ImageArchive, descriptor: Descriptor): Descriptor {
  if (!isIndex(descriptor)) return descriptor;
  const { manifests } = parse(indexSchema, blob(archive, descriptor.digest).toString('utf8'), descriptor.digest);
  return choosePlatform(manifests, hostPlatform(), namesOf(descriptor)[0] ?? 'the archive');
}

/** A document of an OCI layout, which must be what its name says. */
function blob(archive: ImageArchive, digest: Digest): Buffer {
  const data = archive.document(blobName(digest));
  const found = digestOf(data, digest);
  if (found !== digest) throw digestMismatch({ what: 'A blob of the archive', expected: digest, found });
  return data;
}

function blobName(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function namesOf({ annotations }: Descriptor): string[] {
  const full = annotations?.['io.containerd.image.name'];
  const short = annotations?.['org.opencontainers.image.ref.name'];
  const name = full ?? (short !== undefined && /[:/]/.test(short) ? short : undefined);
  return name === undefined ? [] : [name];
}

async function loadOne(parts: LoadParts, archive: ImageArchive, { config, layers, tags, where }: Found): Promise<LoadedImage> {
  const { rootfs } = parse(imageConfigSchema, config.toString('utf8'), where);
  if (rootfs.diff_ids.length !== layers.length) throw notAnImageArchive({ detail: `${where} has ${rootfs.diff_ids.length} layers, the manifest ${layers.length}` });
  const descriptors: Descriptor[] = [];
  for (const [index, expected] of rootfs.diff_ids.entries()) {
    const { snapshotId } = await parts.unpacker.checked(archive.layer(layers[index] ?? '').snapshotId, expected, `Layer ${layers[index] ?? ''} of the archive`);
    const { diffId, size } = await parts.unpacker.identify(snapshotId);
    descriptors.push({ mediaType: mediaTypes.ociLayer, digest: diffId, size });
  }
  const givenTags = tags.map((tag) => familiarTag(parseReference(tag)));
  return { ...(await recordImage(parts, config, descriptors, givenTags)), givenTags };
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw notAnImageArchive({ detail: `${where} is not what it should be` }, { cause: error });
  }
}
