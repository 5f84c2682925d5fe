import type { ManifestSummary } from '../api/docker/image.ts';
import { attestedDigest, isAttestation } from './attestations.ts';
import type { ImageIndex } from './imageRecord.ts';

/** The rows of an image's index as Docker shows them (`manifests=1`). */
export function toManifests({ manifests, images }: ImageIndex): ManifestSummary[] {
  return manifests.map((descriptor): ManifestSummary => {
    const image = images.find(({ manifestDigest }) => manifestDigest === descriptor.digest);
    const content = descriptor.size;
    if (isAttestation(descriptor)) return { ID: descriptor.digest, Descriptor: descriptor, Available: true, Size: { Content: content, Total: content }, Kind: 'attestation', AttestationData: { For: attestedDigest(descriptor) ?? '' } };
    const unpacked = image?.size ?? 0;
    return { ID: descriptor.digest, Descriptor: descriptor, Available: image !== undefined, Size: { Content: content, Total: content + unpacked }, Kind: image ? 'image' : 'unknown', ...(image ? { ImageData: { Platform: descriptor.platform ?? { os: image.config.os, architecture: image.config.architecture }, Containers: [], Size: { Unpacked: unpacked }, Id: image.id } } : {}) };
  });
}
