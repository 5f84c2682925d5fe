import { join } from 'node:path';
import { digestOf, isDigest } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import type { Log } from '../../base/log.ts';
import type { ContentStore } from '../../content/contentStore.ts';
import type { SnapshotStore } from '../../snapshots/types.ts';
import type { ImageService } from '../imageService.ts';
import { BlobPool } from './blobPool.ts';
import { blobUnknown, manifestBlobUnknown, manifestUnknown, nameUnknown, unsupported } from './errors.ts';
import { importPushed } from './importPushed.ts';
import { localName, LocalRepositories } from './localRepositories.ts';
import type { ServedBlob, ServedManifest } from './localRepositories.ts';
import { parsePushed } from './pushedManifest.ts';
import { Repositories } from './repositories.ts';
import { Uploads } from './uploads.ts';

export interface ServedRegistryParts {
  readonly dataRoot: string;
  readonly images: ImageService;
  readonly content: ContentStore;
  readonly snapshots: SnapshotStore;
  readonly log: Log;
}

/** Milliseconds that blobs and untagged manifests stay though nothing names them: a push is many requests. */
const GRACE = 3600 * 1000;

export interface Referrer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The local store as a registry of the OCI distribution specification. What is pushed becomes an image here, under its name, and is
 * also kept as it came, since others ask for it by the digests that it came with. Data: `<data root>/distribution`.
 */
export class ServedRegistry {
  readonly uploads: Uploads;
  readonly #pool: BlobPool;
  readonly #pushed: Repositories;
  readonly #local: LocalRepositories;
  readonly #parts: ServedRegistryParts;

  constructor(parts: ServedRegistryParts) {
    const folder = join(parts.dataRoot, 'distribution');
    this.#parts = parts;
    this.#pool = new BlobPool(folder);
    this.#pushed = new Repositories(folder, parts.log);
    this.#local = new LocalRepositories(parts.images, parts.content, parts.snapshots);
    this.uploads = new Uploads(folder, this.#pool);
  }

  async load(): Promise<void> {
    await this.#pool.load();
    await Promise.all([this.#pushed.load(), this.uploads.load()]);
  }

  get repositories(): string[] {
    return [...new Set([...this.#pushed.names, ...this.#local.names])].sort();
  }

  /** Throws NAME_UNKNOWN. */
  tags(name: string): string[] {
    const pushed = Object.keys(this.#pushed.get(name)?.tags ?? {}).filter((tag) => this.#pushedTag(name, tag) !== undefined);
    const tags = [...new Set([...pushed, ...this.#local.tags(name)])].sort();
    if (tags.length === 0 && this.#pushed.get(name) === undefined) throw nameUnknown({ name });
    return tags;
  }

  /** By tag or digest. Throws MANIFEST_UNKNOWN. */
  async manifest(name: string, reference: string): Promise<ServedManifest> {
    const digest = reference.includes(':') ? reference : this.#pushedTag(name, reference);
    const known = digest === undefined ? undefined : this.#pushed.get(name)?.manifests[digest];
    if (digest !== undefined && known) return { mediaType: known.mediaType, digest, body: await this.#pool.read(digest) };
    const local = await (reference.includes(':') ? this.#local.byDigest(name, reference) : this.#local.byTag(name, reference));
    if (!local) throw manifestUnknown({ reference });
    return local;
  }

  /** Throws BLOB_UNKNOWN. */
  async blob(digest: Digest): Promise<ServedBlob> {
    const size = await this.#pool.size(digest);
    if (size !== undefined) return { size, open: (start, end) => this.#pool.open(digest, start, end) };
    const local = await this.#local.blob(digest);
    if (!local) throw blobUnknown({ digest });
    return local;
  }

  /** Keeps a manifest whose blobs are here; with a tag, an image becomes one of this store. Throws MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN. */
  async putManifest(name: string, reference: string, mediaType: string, body: Buffer, signal: AbortSignal): Promise<{ digest: Digest; subject: Digest | undefined }> {
    const like = isDigest(reference) ? reference : undefined;
    const { needs, entry } = parsePushed(mediaType, body, digestOf(body, like), reference);
    for (const digest of needs) if (!(await this.#has(digest))) throw manifestBlobUnknown({ digest });
    const digest = await this.#pool.put(body, like);
    const tag = reference.includes(':') ? undefined : reference;
    const { images, content } = this.#parts;
    const imageId = tag === undefined ? undefined : await importPushed({ images, content, registry: this }, { mediaType: entry.mediaType, digest, body }, localName(name, tag), signal);
    await this.#pushed.update(name, ({ tags, manifests }) => ({
      tags: tag === undefined ? tags : { ...tags, [tag]: { digest, ...(imageId === undefined ? {} : { imageId }) } },
      manifests: { ...manifests, [digest]: entry },
    }));
    return { digest, subject: entry.subject };
  }

  /** By digest, with all its tags; by tag, the tag alone. Throws MANIFEST_UNKNOWN. */
  async deleteManifest(name: string, reference: string): Promise<void> {
    const { digest } = await this.manifest(name, reference);
    const isTag = !reference.includes(':');
    const doomed = this.tags(name).filter((tag) => tag === reference || (!isTag && this.#pushedTag(name, tag) === digest));
    for (const tag of isTag ? doomed : [...doomed, ...(await this.#localTagsOf(name, digest))]) {
      const image = this.#local.find(name, tag);
      if (image) await this.#parts.images.remove(localName(name, tag), { force: true }).catch(() => this.#parts.images.store.untag([localName(name, tag)]));
    }
    await this.#pushed.update(name, ({ tags, manifests }) => ({
      tags: Object.fromEntries(Object.entries(tags).filter(([tag, one]) => !doomed.includes(tag) && (isTag || one.digest !== digest))),
      manifests: isTag ? manifests : Object.fromEntries(Object.entries(manifests).filter(([one]) => one !== digest)),
    }));
  }

  /** Throws BLOB_UNKNOWN, UNSUPPORTED for what images of this store need. */
  async deleteBlob(digest: Digest): Promise<void> {
    if ((await this.#pool.size(digest)) !== undefined) return this.#pool.remove(digest);
    if (await this.#local.blob(digest)) throw unsupported({ detail: `${digest} belongs to an image. Delete the image's manifest` });
    throw blobUnknown({ digest });
  }

  /** The manifests that name this one as their subject; it need not be here. */
  referrers(name: string, digest: Digest): Referrer[] {
    const manifests = Object.entries(this.#pushed.get(name)?.manifests ?? {});
    return manifests
      .filter(([, { subject }]) => subject === digest)
      .map(([one, { mediaType, size, artifactType, annotations }]) => ({ mediaType, digest: one, size, ...(artifactType === undefined ? {} : { artifactType }), ...(annotations === undefined ? {} : { annotations }) }));
  }

  /** Removes manifests that no tag leads to and blobs that no manifest names, when they are older than the grace; returns bytes freed. */
  async sweep(now = Date.now()): Promise<number> {
    for (const name of this.#pushed.names) {
      const kept = this.#reachable(name);
      await this.#pushed.update(name, ({ tags, manifests }) => ({
        tags: Object.fromEntries(Object.entries(tags).filter(([tag]) => this.#pushedTag(name, tag) !== undefined)),
        manifests: Object.fromEntries(Object.entries(manifests).filter(([digest, { pushed }]) => kept.has(digest) || now - pushed < GRACE)),
      }));
    }
    const needed = this.#pushed.needed();
    let freed = 0;
    for (const digest of await this.#pool.olderThan(now - GRACE)) {
      if (needed.has(digest)) continue;
      freed += (await this.#pool.size(digest)) ?? 0;
      await this.#pool.remove(digest);
    }
    return freed;
  }

  /** Manifests that tags lead to, through indexes, and what refers to those. */
  #reachable(name: string): Set<Digest> {
    const { tags = {}, manifests = {} } = this.#pushed.get(name) ?? {};
    const kept = new Set<Digest>();
    const queue = Object.keys(tags).flatMap((tag) => this.#pushedTag(name, tag) ?? []);
    for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
      const manifest = manifests[digest];
      if (!manifest || kept.has(digest)) continue;
      kept.add(digest);
      queue.push(...manifest.needs, ...this.referrers(name, digest).map((one) => one.digest));
    }
    return kept;
  }

  /** A tag that was pushed holds as long as the image that was made of it has the name here. */
  #pushedTag(name: string, tag: string): Digest | undefined {
    const pushed = this.#pushed.get(name);
    const entry = pushed && Object.hasOwn(pushed.tags, tag) ? pushed.tags[tag] : undefined;
    if (!entry || entry.imageId === undefined) return entry?.digest;
    return this.#local.find(name, tag)?.id === entry.imageId ? entry.digest : undefined;
  }

  async #localTagsOf(name: string, digest: Digest): Promise<string[]> {
    const found: string[] = [];
    for (const tag of this.#local.tags(name)) {
      if (this.#pushedTag(name, tag) === undefined && (await this.#local.byTag(name, tag))?.digest === digest) found.push(tag);
    }
    return found;
  }

  async #has(digest: Digest): Promise<boolean> {
    return (await this.#pool.size(digest)) !== undefined || (await this.#local.blob(digest)) !== undefined;
  }
}

