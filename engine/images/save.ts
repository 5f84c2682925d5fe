import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { encodeEntry, paddingOf } from '../host/tar/entry.ts';
import type { TarEntry } from '../host/tar/entry.ts';
import { parseReference } from '../registry/reference.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { ImageIndex, ImageRecord } from './imageRecord.ts';
import { movedIndex } from './retargeted.ts';
import { seconds } from './views.ts';

export interface SaveParts {
  /** Configurations; of an index, all its documents. */
  readonly content: Pick<ContentStore, 'read'>;
  readonly snapshots: Pick<SnapshotStore, 'identify' | 'openTar'>;
  /** The digest of the manifest or index that a name means. */
  readonly meaningOf?: (tag: string) => Digest | undefined;
}

/** An image to be saved with these of its names. */
export interface SavedImage {
  readonly image: Pick<ImageRecord, 'id' | 'layers' | 'config' | 'created' | 'index'>;
  readonly tags: readonly string[];
  /** Of its manifest, and of what index.json says of it. */
  readonly annotations?: { readonly manifest: Readonly<Record<string, string>>; readonly descriptor: Readonly<Record<string, string>> };
}

/** A file of the archive: its bytes, or where to get them. */
export interface Member {
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
export async function saveImages(parts: SaveParts, saved: readonly SavedImage[], options: { readonly without?: ReadonlySet<Digest>; readonly ociOnly?: boolean } = {}): Promise<Readable> {
  const members = new Map<string, Member>();
  const index: Descriptor[] = [];
  const docker: object[] = [];
  const without = options.without ?? new Set<Digest>();
  for (const one of saved) {
    const { image, tags } = one;
    const { manifest, config } = await addImage(parts, one, without, members);
    const whole = image.index ? await addIndex(parts, image.index, without, members) : undefined;
    const rowOf = (tag?: string): Descriptor => (whole !== undefined && (tag === undefined || parts.meaningOf === undefined || parts.meaningOf(tag) === image.index?.descriptor.digest) ? whole : manifest);
    const described = { ...one.annotations?.descriptor };
    index.push(...(tags.length === 0 ? [{ ...rowOf(), ...(Object.keys(described).length > 0 ? { annotations: described } : {}) }] : tags.map((tag) => ({ ...rowOf(tag), annotations: { ...annotations(tag), ...described } }))));
    docker.push({ Config: blobPath(config.digest), RepoTags: tags.length === 0 ? null : tags, Layers: image.layers.map(({ diffId }) => blobPath(diffId)) });
  }
  const texts: Array<[string, unknown]> = [
    ['index.json', { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: index }],
    ...(options.ociOnly === true ? [] : [['manifest.json', docker] as [string, unknown]]),
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
  ];
  for (const [path, value] of texts) addBytes(members, path, Buffer.from(JSON.stringify(value)));
  const mtime = Math.max(0, ...saved.map(({ image }) => seconds(image.created)));
  return archiveOf([...members.values()], mtime);
}

/** A tar of these files. */
export function archiveOf(members: readonly Member[], mtime: number): Readable {
  return Readable.from(archive(members, mtime), { objectMode: false, highWaterMark: 1024 * 1024 });
}

/** Adds an image's blobs; its manifest is made anew, since its layers are uncompressed here. */
async function addImage({ content, snapshots }: SaveParts, { image, annotations: given }: Pick<SavedImage, 'image' | 'annotations'>, without: ReadonlySet<Digest>, members: Map<string, Member>): Promise<{ manifest: Descriptor; config: Descriptor }> {
  const layers: Descriptor[] = [];
  for (const { diffId, snapshotId } of image.layers) {
    const { size } = await snapshots.identify(snapshotId);
    layers.push({ mediaType: mediaTypes.ociLayer, digest: diffId, size });
    const path = blobPath(diffId);
    if (!without.has(diffId)) members.set(path, { path, size, open: async () => (await snapshots.openTar(snapshotId)) as AsyncIterable<Buffer> });
  }
  const bytes = await content.read(image.id);
  const config: Descriptor = { mediaType: mediaTypes.ociConfig, digest: image.id, size: bytes.length };
  const manifestBytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers, ...(Object.keys(given?.manifest ?? {}).length > 0 ? { annotations: given?.manifest } : {}) }));
  const digest = digestOf(manifestBytes);
  addBytes(members, blobPath(image.id), bytes);
  addBytes(members, blobPath(digest), manifestBytes);
  const { os, architecture } = image.config;
  return { manifest: { mediaType: mediaTypes.ociManifest, digest, size: manifestBytes.length, platform: { architecture, os } }, config };
}

/** Adds the images of an index, and what is attested of them; its own row. */
async function addIndex(parts: SaveParts, index: ImageIndex, without: ReadonlySet<Digest>, members: Map<string, Member>): Promise<Descriptor> {
  const { manifests, attestations } = await movedIndex((digest) => parts.content.read(digest), index, async (image) => (await addImage(parts, { image, annotations: { manifest: await annotationsOf(parts.content, image.manifestDigest), descriptor: {} } }, without, members)).manifest);
  for (const { statements, config, manifest } of attestations) for (const { digest, bytes } of [...statements, config, manifest]) addBytes(members, blobPath(digest), bytes);
  const annotations = await annotationsOf(parts.content, index.descriptor.digest);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) }));
  addBytes(members, blobPath(digestOf(bytes)), bytes);
  return { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
}

/** What a manifest or an index that is here says of itself. */
async function annotationsOf(content: SaveParts['content'], digest: Digest): Promise<Readonly<Record<string, string>>> {
  return annotatedSchema.parse(JSON.parse((await content.read(digest)).toString('utf8'))).annotations ?? {};
}

const annotatedSchema = z.looseObject({ annotations: z.record(z.string(), z.string()).optional() });

export function addBytes(members: Map<string, Member>, path: string, bytes: Buffer): void {
  members.set(path, { path, size: bytes.length, open: () => Readable.from([bytes]) });
}

function annotations(tag: string): Record<string, string> {
  const { domain, path } = parseReference(tag);
  const version = tag.slice(tag.lastIndexOf(':') + 1);
  return { 'io.containerd.image.name': `${domain}/${path}:${version}`, 'org.opencontainers.image.ref.name': version };
}

export function blobPath(digest: Digest): string {
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
