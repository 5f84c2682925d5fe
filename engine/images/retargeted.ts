import { Buffer } from 'node:buffer';
import type { Digest } from '../content/digest.ts';
import { indexSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { attestedDigest, isAttestation, retarget } from './attestations.ts';
import type { Attestation, Document } from './attestations.ts';
import type { ImageIndex } from './imageRecord.ts';

/** The rows of an index and the attestations' documents, as they are somewhere else. */
export interface MovedIndex {
  readonly manifests: readonly Descriptor[];
  readonly attestations: readonly Attestation[];
}

/**
 * An index whose images have other manifests elsewhere, since their layers are compressed there, or are not: `move` brings one there. What
 * was attested of a manifest is attested of the one in its place.
 */
export async function movedIndex<T extends { readonly manifestDigest: Digest }>(read: (digest: Digest) => Promise<Buffer>, { manifests, images }: { readonly manifests: readonly Descriptor[]; readonly images: readonly T[] }, move: (image: T) => Promise<Pick<Descriptor, 'mediaType' | 'digest' | 'size'>>): Promise<MovedIndex> {
  const moved = new Map<Digest, Pick<Descriptor, 'mediaType' | 'digest' | 'size'>>();
  for (const image of images) moved.set(image.manifestDigest, await move(image));
  const attestations: Attestation[] = [];
  const rows: Descriptor[] = [];
  for (const row of manifests) {
    if (!isAttestation(row)) {
      const { mediaType, digest, size } = moved.get(row.digest) ?? row;
      rows.push({ ...row, mediaType, digest, size });
      continue;
    }
    const attestation = await movedAttestation(read, row, (digest) => moved.get(digest)?.digest ?? digest);
    attestations.push(attestation);
    rows.push(attestation.descriptor);
  }
  return { manifests: rows, attestations };
}

/** The document of an index that has these rows where its images are: byte for byte as it was, if they are. */
export async function indexDocument(read: (digest: Digest) => Promise<Buffer>, { descriptor, manifests }: Pick<ImageIndex, 'descriptor' | 'manifests'>, rows: readonly Descriptor[]): Promise<{ readonly mediaType: string; readonly body: Buffer }> {
  const bytes = await read(descriptor.digest);
  if (rows.every(({ digest }, at) => digest === manifests[at]?.digest)) return { mediaType: descriptor.mediaType, body: bytes };
  return { mediaType: mediaTypes.ociIndex, body: Buffer.from(JSON.stringify({ ...indexSchema.parse(JSON.parse(bytes.toString('utf8'))), mediaType: mediaTypes.ociIndex, manifests: rows })) };
}

async function movedAttestation(read: (digest: Digest) => Promise<Buffer>, row: Descriptor, to: (digest: Digest) => Digest): Promise<Attestation> {
  const bytes = await read(row.digest);
  const manifest = manifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  const documents = await Promise.all(manifest.layers.map(async ({ digest }): Promise<Document> => ({ digest, bytes: await read(digest) })));
  const attested = attestedDigest(row) ?? '';
  if (to(attested) !== attested) return retarget(manifest, documents.map((one) => one.bytes), to(attested));
  return { descriptor: row, manifest: { digest: row.digest, bytes }, config: { digest: manifest.config.digest, bytes: await read(manifest.config.digest) }, statements: documents };
}
