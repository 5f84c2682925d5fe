import { algorithmOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { fitsPlatform, hostPlatform } from '../base/platform.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema, indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor, ImageConfig, Index } from '../content/oci.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import { isAttestation } from './attestations.ts';
import type { ImageLayer } from './imageRecord.ts';

/** An image as its documents say it; of an index, the one of this host's platform. */
export interface Loaded {
  readonly id: Digest;
  readonly manifestDigest: Digest;
  readonly config: ImageConfig;
  readonly layers: readonly ImageLayer[];
  readonly size: number;
  /** All documents, those of other platforms too. */
  readonly blobs: readonly Digest[];
  readonly snapshots: readonly string[];
  readonly index?: { readonly descriptor: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>; readonly manifests: readonly Descriptor[]; readonly images: readonly Loaded[] };
}

/** What of an image is known to be needed, while it is read: what is there stays although something else is missing. */
export type Noted = (needs: { readonly blobs: readonly Digest[]; readonly snapshots: readonly string[] }) => void;

export interface ReadParts {
  readonly content: ContentStore;
  readonly snapshots: SnapshotStore;
}

/** Reads what a manifest or an index names. Throws when something of it is missing. */
export async function readImage(parts: ReadParts, digest: Digest, noted: Noted): Promise<Loaded> {
  const bytes = await parts.content.read(digest);
  const document: unknown = JSON.parse(bytes.toString('utf8'));
  const index = indexSchema.safeParse(document);
  if (index.success) return readIndex(parts, { mediaType: index.data.mediaType ?? mediaTypes.ociIndex, digest, size: bytes.length }, index.data, noted);
  return readManifest(parts, digest, noted);
}

async function readManifest({ content, snapshots }: ReadParts, digest: Digest, noted: Noted): Promise<Loaded> {
  const manifest = await content.readJson(digest, manifestSchema);
  const named = [digest, manifest.config.digest];
  noted({ blobs: named, snapshots: [] });
  const id = await imageId(content, manifest.config.digest);
  const blobs = [...new Set([...named, id])];
  const config = await content.readJson(manifest.config.digest, imageConfigSchema);
  const found = config.rootfs.diff_ids.map((diffId) => ({ diffId, snapshot: snapshots.findByDiffId(diffId) }));
  const layers = found.flatMap(({ diffId, snapshot }) => (snapshot ? [{ diffId, snapshotId: snapshot.id }] : []));
  const ids = layers.map(({ snapshotId }) => snapshotId);
  noted({ blobs, snapshots: ids });
  const missing = found.find(({ snapshot }) => !snapshot);
  if (missing) throw new Error(`its layer ${missing.diffId} is missing`);
  const size = found.reduce((total, { snapshot }) => total + (snapshot?.size ?? 0), 0);
  return { id, manifestDigest: digest, config, layers, size, blobs, snapshots: ids };
}

/** Images are known by the sha256 of their configuration; one that its manifest names by another digest is kept under both. */
async function imageId(content: ContentStore, config: Digest): Promise<Digest> {
  if (algorithmOf(config) === 'sha256') return config;
  return (await content.put(await content.read(config))).digest;
}

async function readIndex(parts: ReadParts, descriptor: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>, { manifests }: Index, noted: Noted): Promise<Loaded> {
  const needs = { blobs: [descriptor.digest], snapshots: [] as string[] };
  const images: Loaded[] = [];
  for (const one of manifests) {
    const before = { blobs: [...needs.blobs], snapshots: [...needs.snapshots] };
    const noteAlso: Noted = (more) => noted({ blobs: [...before.blobs, ...more.blobs], snapshots: [...before.snapshots, ...more.snapshots] });
    if (isAttestation(one)) {
      needs.blobs.push(...(await readAttestation(parts.content, one.digest)));
      continue;
    }
    const image = await readManifest(parts, one.digest, noteAlso);
    needs.blobs.push(...image.blobs);
    needs.snapshots.push(...image.snapshots);
    images.push(image);
  }
  const primary = images.find(({ config }) => fitsPlatform(config, hostPlatform())) ?? images[0];
  if (!primary) throw new Error('its index names no image');
  return { ...primary, ...needs, index: { descriptor, manifests, images } };
}

/** The documents of an attestation. */
async function readAttestation(content: ContentStore, digest: Digest): Promise<Digest[]> {
  const manifest = await content.readJson(digest, manifestSchema);
  const statements = manifest.layers.map((layer) => layer.digest);
  const missing = statements.find((one) => !content.has(one));
  if (missing !== undefined) throw new Error(`its attestation ${missing} is missing`);
  return [digest, manifest.config.digest, ...statements];
}
