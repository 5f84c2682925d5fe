import { join } from 'node:path';
import { digestOf } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import type { Log } from '../../base/log.ts';
import type { ContentStore } from '../../content/contentStore.ts';
import type { SnapshotStore } from '../../snapshots/types.ts';
import type { ImageService } from '../imageService.ts';
import { BlobPool } from './blobPool.ts';
import { blobUnknown, manifestBlobUnknown, manifestInvalid, manifestUnknown, nameUnknown, unsupported } from './errors.ts';
import { importPushed } from './importPushed.ts';
import { localName, LocalRepositories } from './localRepositories.ts';
import type { ServedBlob, ServedManifest } from './localRepositories.ts';
import { parsePushed } from './pushedManifest.ts';
import type { PushReference } from './pushedManifest.ts';
import { blobsOf, Repositories } from './repositories.ts';
import type { PushedRepository } from './repositories.ts';
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
    if (tags.length === 0 && !this.#pushed.names.includes(name)) throw nameUnknown({ name });
    return tags;
  }

  /** By tag or digest. Throws MANIFEST_UNKNOWN. */
  async manifest(name: string, reference: string): Promise<ServedManifest> {
    const digest = reference.includes(':') ? reference : this.#pushedTag(name, reference);
    const known = digest === undefined ? undefined : this.#pushed.get(name)?.manifests[digest];
    if (digest !== undefined && known) return { mediaType: known.mediaType, digest, body: await this.#pool.read(digest) };
    const image = reference.includes(':') ? undefined : this.#local.find(name, reference);
    const local = image ? await this.#local.manifestOf(image) : await this.#local.byDigest(name, reference);
    if (!local) throw manifestUnknown({ reference });
    return local;
  }

  /** One of this repository. Throws BLOB_UNKNOWN. */
  async blob(name: string, digest: Digest): Promise<ServedBlob> {
    const isOurs = this.#pushed.hasBlob(name, digest);
    const blob = isOurs ? await this.#anyBlob(digest) : await this.#local.blob(digest, name);
    if (!blob) throw blobUnknown({ digest });
    return blob;
  }

  /** Ends an upload: it is a blob of this repository then. Throws DIGEST_INVALID, BLOB_UPLOAD_UNKNOWN. */
  async finishUpload(name: string, id: string, digest: Digest): Promise<void> {
    await this.uploads.finish(id, digest);
    await this.#adopt(name, [digest]);
  }

  /** Makes a blob of another repository one of this, too; false when there is none. */
  async mount(name: string, digest: Digest): Promise<boolean> {
    if (!(await this.#anyBlob(digest))) return false;
    await this.#adopt(name, [digest]);
    return true;
  }

  /** Keeps a manifest whose blobs are here, under tags or by its digest; with a tag, an image becomes one of this store. Throws MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN. */
  async putManifest(name: string, as: PushReference, mediaType: string, body: Buffer, signal: AbortSignal): Promise<{ digest: Digest; subject: Digest | undefined }> {
    const { needs, entry } = parsePushed(mediaType, body, digestOf(body, as.digest), as);
    for (const digest of needs) if (!(await this.#has(name, digest))) throw manifestBlobUnknown({ digest });
    const digest = await this.#pool.put(body, as.digest);
    const manifest = { mediaType: entry.mediaType, digest, body };
    const made: PushedRepository['tags'] = {};
    for (const tag of as.tags) {
      const imageId = await this.#import(name, tag, manifest, signal);
      made[tag] = { digest, ...(imageId === undefined ? {} : { imageId }) };
    }
    await this.#pushed.update(name, (repository) => ({
      tags: { ...repository.tags, ...made },
      manifests: { ...repository.manifests, [digest]: entry },
      blobs: { ...Object.fromEntries(needs.map((one) => [one, entry.pushed])), ...blobsOf(repository) },
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
    await this.#pushed.update(name, ({ tags, manifests, ...rest }) => ({
      ...rest,
      tags: Object.fromEntries(Object.entries(tags).filter(([tag, one]) => !doomed.includes(tag) && (isTag || one.digest !== digest))),
      manifests: isTag ? manifests : Object.fromEntries(Object.entries(manifests).filter(([one]) => one !== digest)),
    }));
  }

  /** From this repository; its bytes go when no other has it, with the next sweep. Throws BLOB_UNKNOWN, UNSUPPORTED for what images of this store need. */
  async deleteBlob(name: string, digest: Digest): Promise<void> {
    if (!this.#pushed.hasBlob(name, digest)) {
      if (await this.#local.blob(digest, name)) throw unsupported({ detail: `${digest} belongs to an image. Delete the image's manifest` });
      throw blobUnknown({ digest });
    }
    await this.#pushed.update(name, (repository) => ({ ...repository, blobs: Object.fromEntries(Object.entries(blobsOf(repository)).filter(([one]) => one !== digest)) }));
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
    for (const name of this.#pushed.all) {
      const kept = this.#reachable(name);
      await this.#pushed.update(name, (repository) => {
        const manifests = Object.fromEntries(Object.entries(repository.manifests).filter(([digest, { pushed }]) => kept.has(digest) || now - pushed < GRACE));
        const needed = new Set(Object.values(manifests).flatMap(({ needs }) => needs));
        return {
          tags: Object.fromEntries(Object.entries(repository.tags).filter(([tag]) => this.#pushedTag(name, tag) !== undefined)),
          manifests,
          blobs: Object.fromEntries(Object.entries(blobsOf(repository)).filter(([digest, pushed]) => needed.has(digest) || now - pushed < GRACE)),
        };
      });
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
      const image = this.#local.find(name, tag);
      if (image && (await this.#local.manifestOf(image)).digest === digest && this.#pushedTag(name, tag) === undefined) found.push(tag);
    }
    return found;
  }

  /** Whether a manifest of this repository may name it: a blob, or, in an index, another manifest. */
  async #has(name: string, digest: Digest): Promise<boolean> {
    if (Object.hasOwn(this.#pushed.get(name)?.manifests ?? {}, digest)) return true;
    return this.blob(name, digest).then(
      () => true,
      () => false,
    );
  }

  async #manifestBytes(name: string, digest: Digest): Promise<ServedBlob | undefined> {
    return Object.hasOwn(this.#pushed.get(name)?.manifests ?? {}, digest) ? this.#anyBlob(digest) : undefined;
  }

  /** Of whatever repository. */
  async #anyBlob(digest: Digest): Promise<ServedBlob | undefined> {
    const size = await this.#pool.size(digest);
    return size === undefined ? this.#local.blob(digest) : { size, open: (start, end) => this.#pool.open(digest, start, end) };
  }

  #adopt(name: string, digests: readonly Digest[]): Promise<void> {
    const now = Date.now();
    return this.#pushed.update(name, (repository) => ({ ...repository, blobs: { ...blobsOf(repository), ...Object.fromEntries(digests.map((digest) => [digest, now])) } }));
  }

  /** The image that a pushed manifest makes here. What makes none, since its configuration and its layers do not belong together, is kept for others all the same. */
  async #import(name: string, tag: string, manifest: ServedManifest, signal: AbortSignal): Promise<Digest | undefined> {
    const { images, content, log } = this.#parts;
    try {
      return await importPushed({ images, content, blob: async (digest) => (await this.#manifestBytes(name, digest)) ?? this.blob(name, digest) }, manifest, localName(name, tag), signal);
    } catch (error) {
      if (signal.aborted || !manifestInvalid.is(error)) throw error;
      log.warn('what was pushed is kept, but makes no image here', { name, tag, error });
      return undefined;
    }
  }
}

