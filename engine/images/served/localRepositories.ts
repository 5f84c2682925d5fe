import { Readable } from 'node:stream';
import { digestOf } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import type { ContentStore } from '../../content/contentStore.ts';
import { mediaTypes } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import { familiarTag, parseReference } from '../../registry/reference.ts';
import type { SnapshotStore } from '../../snapshots/types.ts';
import type { ImageRecord } from '../imageRecord.ts';
import type { ImageService } from '../imageService.ts';

export interface ServedManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly body: Buffer;
}

/** A blob that can be read, whole or from some byte on. */
export interface ServedBlob {
  readonly size: number;
  readonly open: (start: number, end: number) => Promise<Readable> | Readable;
}

/** The images of this store as a registry's repositories. Their layers are plain tars, replayed: the digest of each is its diffID. */
export class LocalRepositories {
  readonly #images: ImageService;
  readonly #content: ContentStore;
  readonly #snapshots: SnapshotStore;
  readonly #manifests = new Map<Digest, ServedManifest>();

  constructor(images: ImageService, content: ContentStore, snapshots: SnapshotStore) {
    this.#images = images;
    this.#content = content;
    this.#snapshots = snapshots;
  }

  get names(): string[] {
    return [...new Set(this.#images.list().flatMap(({ repoTags }) => repoTags.map((tag) => servedName(tag).name)))];
  }

  tags(name: string): string[] {
    const wanted = withoutLibrary(name);
    return this.#images.list().flatMap(({ repoTags }) => repoTags.map(servedName).filter((one) => one.name === wanted).map(({ tag }) => tag));
  }

  find(name: string, tag: string): ImageRecord | undefined {
    const wanted = withoutLibrary(name);
    return this.#images.list().find(({ repoTags }) => repoTags.map(servedName).some((one) => one.name === wanted && one.tag === tag));
  }

  /** The image of this repository whose manifest has this digest. */
  async byDigest(name: string, digest: Digest): Promise<ServedManifest | undefined> {
    const wanted = withoutLibrary(name);
    for (const image of this.#images.list().filter(({ repoTags }) => repoTags.map(servedName).some((one) => one.name === wanted))) {
      const manifest = await this.manifestOf(image);
      if (manifest.digest === digest) return manifest;
    }
    return undefined;
  }

  async manifestOf(image: ImageRecord): Promise<ServedManifest> {
    const known = this.#manifests.get(image.id);
    if (known) return known;
    const layers: Descriptor[] = [];
    for (const { diffId, snapshotId } of image.layers) layers.push({ mediaType: mediaTypes.ociLayer, digest: diffId, size: (await this.#snapshots.identify(snapshotId)).size });
    const config = { mediaType: mediaTypes.ociConfig, digest: image.id, size: (await this.#content.read(image.id)).length };
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
    const made = { mediaType: mediaTypes.ociManifest, digest: digestOf(body), body };
    this.#manifests.set(image.id, made);
    return made;
  }

  /** A configuration or a layer of an image of this repository; without a name: of any that has one. */
  async blob(digest: Digest, name?: string): Promise<ServedBlob | undefined> {
    const wanted = name === undefined ? undefined : withoutLibrary(name);
    const images = this.#images.list().filter(({ repoTags }) => (wanted === undefined ? repoTags.length > 0 : repoTags.map(servedName).some((one) => one.name === wanted)));
    if (images.some(({ id }) => id === digest)) {
      const bytes = await this.#content.read(digest);
      return { size: bytes.length, open: (start, end) => Readable.from([bytes.subarray(start, end + 1)]) };
    }
    const layer = images.flatMap(({ layers }) => layers).find(({ diffId }) => diffId === digest);
    if (!layer) return undefined;
    const { size } = await this.#snapshots.identify(layer.snapshotId);
    return { size, open: (start, end) => this.#replay(layer.snapshotId, start, end) };
  }

  async #replay(snapshotId: string, start: number, end: number): Promise<Readable> {
    const holds = this.#images.held.open();
    holds.add(snapshotId);
    try {
      const tar = (await this.#snapshots.openTar(snapshotId)) as AsyncIterable<Buffer>;
      return Readable.from(partOf(tar, start, end), { objectMode: false, highWaterMark: 1024 * 1024 }).once('close', () => void this.#images.collect(holds.release()));
    } catch (error) {
      await this.#images.collect(holds.release());
      throw error;
    }
  }
}

/** How an image is called by those who ask for it here: without Docker Hub's name, and without the port of another registry. */
export function servedName(repoTag: string): { name: string; tag: string } {
  const { domain, familiarName, path, tag } = parseReference(repoTag);
  return { name: domain === 'docker.io' ? familiarName : `${domain.replace(/:\d+$/, '').toLowerCase()}/${path}`, tag: tag ?? 'latest' };
}

/** The name that an image gets here that is pushed as this one. */
export function localName(name: string, tag: string): string {
  return familiarTag(parseReference(`${name}:${tag}`));
}

function withoutLibrary(name: string): string {
  return name.replace(/^library\/(?!.*\/)/, '');
}

/** Bytes `start` to `end`, both included. To the very end it is read whole, so that its digest is checked. */
async function* partOf(source: AsyncIterable<Buffer>, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of source) {
    const from = Math.max(0, start - at);
    const to = Math.min(chunk.length, end + 1 - at);
    if (from < to) yield chunk.subarray(from, to);
    at += chunk.length;
    if (at > end + 1) return;
  }
}
