import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { encodeEntry, paddingOf } from '../host/tar/entry.ts';
import type { TarEntry } from '../host/tar/entry.ts';
import { parseReference } from '../registry/reference.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { ImageRecord } from './imageRecord.ts';
import { seconds } from './views.ts';

export interface SaveParts {
  readonly content: ContentStore;
  readonly snapshots: SnapshotStore;
}

/** An image to be saved with these of its names. */
export interface SavedImage {
  readonly image: ImageRecord;
  readonly tags: readonly string[];
}

/** A file of the archive: its bytes, or where to get them. */
interface Member {
  readonly path: string;
  readonly size: number;
  readonly open: () => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>;
}

/** What `refs` mean for `docker save`: a tag takes itself along, a repository all its tags, an id none. Throws what `resolve` does. */
export function selectSaved(refs: readonly string[], images: readonly ImageRecord[], resolve: (ref: string) => ImageRecord): SavedImage[] {
  const chosen = new Map<Digest, { image: ImageRecord; tags: Set<string> }>();
  for (const ref of refs.flatMap((one) => withAllTags(one, images))) {
    const image = resolve(ref);
    const known = chosen.get(image.id) ?? { image, tags: new Set<string>() };
    for (const tag of tagsMeant(ref, image)) known.tags.add(tag);
    chosen.set(image.id, known);
  }
  return [...chosen.values()].map(({ image, tags }) => ({ image, tags: [...tags] }));
}

function withAllTags(ref: string, images: readonly ImageRecord[]): string[] {
  try {
    const { familiarName, tag, digest } = parseReference(ref);
    const tags = images.flatMap(({ repoTags }) => repoTags).filter((name) => name.slice(0, name.lastIndexOf(':')) === familiarName);
    return tag === undefined && digest === undefined && tags.length > 0 ? tags : [ref];
  } catch {
    return [ref];
  }
}

function tagsMeant(ref: string, image: ImageRecord): string[] {
  try {
    const { familiarName, tag, digest } = parseReference(ref);
    if (digest !== undefined) return [];
    return image.repoTags.filter((name) => name === `${familiarName}:${tag ?? 'latest'}`);
  } catch {
    return [];
  }
}

/**
 * The archive that `docker save` writes since 25: an OCI layout with manifest.json beside it, so that both kinds of readers take
 * it. Layers are replayed from their snapshots, uncompressed. The same images give the same bytes. Sizes are found before this resolves.
 */
export async function saveImages(parts: SaveParts, saved: readonly SavedImage[], without: ReadonlySet<Digest> = new Set()): Promise<Readable> {
  const members = new Map<string, Member>();
  const index: Descriptor[] = [];
  const docker: object[] = [];
  for (const { image, tags } of saved) {
    const { manifest, config } = await addImage(parts, image, without, members);
    index.push(...(tags.length === 0 ? [manifest] : tags.map((tag) => ({ ...manifest, annotations: annotations(tag) }))));
    docker.push({ Config: blobPath(config.digest), RepoTags: tags.length === 0 ? null : tags, Layers: image.layers.map(({ diffId }) => blobPath(diffId)) });
  }
  const texts: Array<[string, unknown]> = [
    ['index.json', { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: index }],
    ['manifest.json', docker],
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
  ];
  for (const [path, value] of texts) addBytes(members, path, Buffer.from(JSON.stringify(value)));
  const mtime = Math.max(0, ...saved.map(({ image }) => seconds(image.created)));
  return Readable.from(archive([...members.values()], mtime), { objectMode: false, highWaterMark: 1024 * 1024 });
}

/** Adds an image's blobs; its manifest is made anew, since its layers are uncompressed here. */
async function addImage({ content, snapshots }: SaveParts, image: ImageRecord, without: ReadonlySet<Digest>, members: Map<string, Member>): Promise<{ manifest: Descriptor; config: Descriptor }> {
  const layers: Descriptor[] = [];
  for (const { diffId, snapshotId } of image.layers) {
    const { size } = await snapshots.identify(snapshotId);
    layers.push({ mediaType: mediaTypes.ociLayer, digest: diffId, size });
    const path = blobPath(diffId);
    if (!without.has(diffId)) members.set(path, { path, size, open: async () => (await snapshots.openTar(snapshotId)) as AsyncIterable<Buffer> });
  }
  const bytes = await content.read(image.id);
  const config: Descriptor = { mediaType: mediaTypes.ociConfig, digest: image.id, size: bytes.length };
  const manifestBytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
  const digest = digestOf(manifestBytes);
  addBytes(members, blobPath(image.id), bytes);
  addBytes(members, blobPath(digest), manifestBytes);
  const { os, architecture } = image.config;
  return { manifest: { mediaType: mediaTypes.ociManifest, digest, size: manifestBytes.length, platform: { architecture, os } }, config };
}

function addBytes(members: Map<string, Member>, path: string, bytes: Buffer): void {
  members.set(path, { path, size: bytes.length, open: () => Readable.from([bytes]) });
}

function annotations(tag: string): Record<string, string> {
  const { domain, path } = parseReference(tag);
  const version = tag.slice(tag.lastIndexOf(':') + 1);
  return { 'io.containerd.image.name': `${domain}/${path}:${version}`, 'org.opencontainers.image.ref.name': version };
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

async function* archive(members: readonly Member[], mtime: number): AsyncGenerator<Buffer> {
  for (const path of ['blobs', 'blobs/sha256']) yield encodeEntry(entry({ path, type: 'directory', mode: 0o755, mtime }));
  for (const { path, size, open } of [...members].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    yield encodeEntry(entry({ path, type: 'file', mode: 0o644, size, mtime }));
    yield* await open();
    yield Buffer.alloc(paddingOf(size));
  }
  yield Buffer.alloc(1024);
}

function entry(fields: Pick<TarEntry, 'path' | 'type' | 'mode' | 'mtime'> & { size?: number }): TarEntry {
  return { linkPath: '', size: 0, uid: 0, gid: 0, deviceMajor: 0, deviceMinor: 0, xattrs: new Map(), ...fields };
}
