import { Readable } from 'node:stream';
import { digestOf } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import type { ContentStore } from '../../content/contentStore.ts';
import { mediaTypes } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import { familiarTag, parseReference } from '../../registry/reference.ts';
import type { SnapshotStore } from '../../snapshots/types.ts';
import type { ImageIndex, ImageRecord } from '../imageRecord.ts';
import type { ImageService } from '../imageService.ts';
import { indexDocument, movedIndex } from '../retargeted.ts';

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

interface NamedImage {
  readonly image: ImageRecord;
  readonly repoTag: string;
  /** As those call it who ask here. */
  readonly name: string;
  readonly tag: string;
}

/** What a name leads to. */
interface ServedImage {
  /** What the name means first, then what that names. */
  readonly manifests: readonly [ServedManifest, ...ServedManifest[]];
  /** Blobs of attestations. */
  readonly documents: ReadonlyMap<Digest, Buffer>;
}

/** The images of this store as a registry's repositories. Their layers are plain tars, replayed: the digest of each is its diffID. */
export class LocalRepositories {
  readonly #images: ImageService;
  readonly #content: ContentStore;
  readonly #snapshots: SnapshotStore;
  /** By the image's id. */
  readonly #manifests = new Map<Digest, ServedManifest>();
  /** By the index's digest here. */
  readonly #indexes = new Map<Digest, ServedImage>();

  constructor(images: ImageService, content: ContentStore, snapshots: SnapshotStore) {
    this.#images = images;
    this.#content = content;
    this.#snapshots = snapshots;
  }

  get names(): string[] {
    return [...new Set(this.#named().map(({ name }) => name))];
  }

  tags(name: string): string[] {
    return this.#named(name).map(({ tag }) => tag);
  }

  find(name: string, tag: string): ImageRecord | undefined {
    return this.#named(name).find((one) => one.tag === tag)?.image;
  }

  /** What a tag means: an image, or an index with all of its images. */
  async byTag(name: string, tag: string): Promise<ServedManifest | undefined> {
    const found = this.#named(name).find((one) => one.tag === tag);
    return found && (await this.#served(found)).manifests[0];
  }

  /** The manifest of this digest that a tag of this repository means, or that is of an index which one means. */
  async byDigest(name: string, digest: Digest): Promise<ServedManifest | undefined> {
    for (const one of this.#named(name)) {
      const manifest = (await this.#served(one)).manifests.find((served) => served.digest === digest);
      if (manifest) return manifest;
    }
    return undefined;
  }

  /** A configuration or a layer of an image of this repository, or a document of what is attested of it; without a name: of any that has one. */
  async blob(digest: Digest, name?: string): Promise<ServedBlob | undefined> {
    const named = this.#named(name);
    const images = named.flatMap(({ image }) => image.index?.images ?? [image]);
    if (images.some(({ id }) => id === digest)) return inMemory(await this.#content.read(digest));
    const layer = images.flatMap(({ layers }) => layers).find(({ diffId }) => diffId === digest);
    if (layer) {
      const { size } = await this.#snapshots.identify(layer.snapshotId);
      return { size, open: (start, end) => this.#replay(layer.snapshotId, start, end) };
    }
    for (const one of named.filter(({ image }) => image.index)) {
      const bytes = (await this.#served(one)).documents.get(digest);
      if (bytes) return inMemory(bytes);
    }
    return undefined;
  }

  /** The names of images, of one repository or of all. */
  #named(repository?: string): NamedImage[] {
    const wanted = repository === undefined ? undefined : withoutLibrary(repository);
    const all = this.#images.list().flatMap((image) => image.repoTags.map((repoTag) => ({ image, repoTag, ...servedName(repoTag) })));
    return wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  }

  /** A name of an image of an index may mean the index or that image alone. */
  async #served({ image, repoTag }: NamedImage): Promise<ServedImage> {
    const { index } = image;
    if (!index || this.#images.store.meaningOf(repoTag)?.digest !== index.descriptor.digest) return { manifests: [await this.#manifestOf(image)], documents: new Map() };
    const known = this.#indexes.get(index.descriptor.digest) ?? (await this.#indexOf(index));
    this.#indexes.set(index.descriptor.digest, known);
    return known;
  }

  async #indexOf(index: ImageIndex): Promise<ServedImage> {
    const read = (digest: Digest): Promise<Buffer> => this.#content.read(digest);
    const images: ServedManifest[] = [];
    const { manifests, attestations } = await movedIndex(read, index, async (image) => {
      const served = await this.#manifestOf(image);
      images.push(served);
      return { mediaType: served.mediaType, digest: served.digest, size: served.body.length };
    });
    const { mediaType, body } = await indexDocument(read, index, manifests);
    const attested = attestations.map(({ descriptor, manifest }): ServedManifest => ({ mediaType: descriptor.mediaType, digest: manifest.digest, body: manifest.bytes }));
    const documents = attestations.flatMap(({ config, statements }) => [config, ...statements]);
    return { manifests: [{ mediaType, digest: digestOf(body), body }, ...images, ...attested], documents: new Map(documents.map(({ digest, bytes }) => [digest, bytes])) };
  }

  async #manifestOf(image: ImageRecord): Promise<ServedManifest> {
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

/** A blob of these bytes. */
export function inMemory(bytes: Buffer): ServedBlob {
  return { size: bytes.length, open: (start, end) => Readable.from([bytes.subarray(start, end + 1)]) };
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
