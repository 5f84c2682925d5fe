import type { Readable } from 'node:stream';
import { digestOf } from '../../content/digest.ts';
import type { CacheRecord } from '../../content/buildCache.ts';
import { mediaTypes } from '../../content/oci.ts';
import type { SnapshotStore } from '../../snapshots/types.ts';
import { addBytes, archiveOf, blobPath } from '../save.ts';
import type { Member } from '../save.ts';
import { cacheManifest } from './buildCaches.ts';
import type { CacheBlob } from './buildCaches.ts';

/** The tar of a build cache as an OCI layout, its layers plain: a folder of which `readFolderCache` reads. The same steps give the same bytes. */
export async function cacheArchive(snapshots: Pick<SnapshotStore, 'identify' | 'openTar'>, records: readonly CacheRecord[], snapshotIds: readonly string[], tag: string): Promise<Readable> {
  const members = new Map<string, Member>();
  const blobs: CacheBlob[] = [];
  for (const snapshotId of snapshotIds) {
    const { diffId, size } = await snapshots.identify(snapshotId);
    blobs.push({ diffId, descriptor: { mediaType: mediaTypes.ociLayer, digest: diffId, size } });
    members.set(blobPath(diffId), { path: blobPath(diffId), size, open: async () => (await snapshots.openTar(snapshotId)) as AsyncIterable<Buffer> });
  }
  const { config, manifest } = cacheManifest(records, blobs);
  for (const bytes of [config, manifest]) addBytes(members, blobPath(digestOf(bytes)), bytes);
  const described = { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length, annotations: { 'org.opencontainers.image.ref.name': tag } };
  addBytes(members, 'index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [described] })));
  addBytes(members, 'oci-layout', Buffer.from(JSON.stringify({ imageLayoutVersion: '1.0.0' })));
  return archiveOf([...members.values()], 0);
}
