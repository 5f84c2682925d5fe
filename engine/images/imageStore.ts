import { z } from 'zod';
import type { Log } from '../base/log.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { imageConfigSchema, manifestSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor, Digest, ImageConfig } from '../content/oci.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { ImageLayer, ImageRecord } from './imageRecord.ts';

/** Annotations of index.json: the full name of an entry (as containerd writes it), and what registries called the image. */
const NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const REPO_DIGESTS = 'dev.berth.repo-digests';

const digestsSchema = z.array(z.string());

interface Loaded {
  readonly id: Digest;
  readonly manifestDigest: Digest;
  readonly config: ImageConfig;
  readonly layers: readonly ImageLayer[];
  readonly size: number;
  readonly blobs: readonly Digest[];
}

export interface NewEntry {
  readonly manifest: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  readonly tags: readonly string[];
  readonly repoDigests?: readonly string[];
}

/** The images that index.json names, in memory; index.json is the truth and every change goes there first. */
export class ImageStore {
  readonly #content: ContentStore;
  readonly #snapshots: SnapshotStore;
  readonly #log: Log;
  readonly #byManifest = new Map<Digest, Loaded>();

  constructor(content: ContentStore, snapshots: SnapshotStore, log: Log) {
    this.#content = content;
    this.#snapshots = snapshots;
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#byManifest.clear();
    for (const { digest } of this.#content.entries) await this.#loadManifest(digest).catch((error: unknown) => this.#log.error('an image cannot be used', { manifest: digest, error }));
  }

  list(): ImageRecord[] {
    const records = new Map<Digest, ImageRecord>();
    for (const entry of this.#content.entries) {
      const loaded = this.#byManifest.get(entry.digest);
      if (!loaded) continue;
      const known = records.get(loaded.id);
      const name = entry.annotations?.[NAME];
      const digests = digestsSchema.parse(JSON.parse(entry.annotations?.[REPO_DIGESTS] ?? '[]'));
      records.set(loaded.id, {
        ...(known ?? { ...loaded, created: loaded.config.created ?? '1970-01-01T00:00:00Z' }),
        repoTags: [...(known?.repoTags ?? []), ...(name === undefined ? [] : [shortName(name)])],
        repoDigests: [...new Set([...(known?.repoDigests ?? []), ...digests])],
      });
    }
    return [...records.values()];
  }

  /** Adds an image whose blobs and snapshots are here, or gives a known one more names. A name belongs to one image: it moves. */
  async add(entry: NewEntry): Promise<ImageRecord> {
    const loaded = await this.#loadManifest(entry.manifest.digest);
    await this.#content.update((entries) => {
      const names = entry.tags.map(fullName);
      const others = entries.filter((other) => !names.includes(other.annotations?.[NAME] ?? '')).filter((other) => !(other.digest === entry.manifest.digest && other.annotations?.[NAME] === undefined));
      const displaced = entries.filter((other) => names.includes(other.annotations?.[NAME] ?? '') && other.digest !== entry.manifest.digest && !others.some((left) => left.digest === other.digest));
      const known = entries.filter((other) => other.digest === entry.manifest.digest).flatMap((other) => digestsSchema.parse(JSON.parse(other.annotations?.[REPO_DIGESTS] ?? '[]')));
      const repoDigests = [...new Set([...known, ...(entry.repoDigests ?? [])])];
      const needsNameless = names.length === 0 && !others.some((other) => other.digest === entry.manifest.digest);
      return [...others, ...displaced.map((other) => indexEntry(other, undefined, [])), ...names.map((name) => indexEntry(entry.manifest, name, repoDigests)), ...(needsNameless ? [indexEntry(entry.manifest, undefined, repoDigests)] : [])];
    });
    return this.#record(loaded.id);
  }

  /** Takes names away; an image without any stays, nameless. */
  async untag(tags: readonly string[]): Promise<void> {
    const names = tags.map(fullName);
    await this.#content.update((entries) => {
      const kept = entries.filter((entry) => !names.includes(entry.annotations?.[NAME] ?? ''));
      const gone = entries.filter((entry) => !kept.includes(entry));
      const orphans = new Map(gone.filter((entry) => !kept.some((left) => left.digest === entry.digest)).map((entry) => [entry.digest, indexEntry(entry, undefined, digestsSchema.parse(JSON.parse(entry.annotations?.[REPO_DIGESTS] ?? '[]')))]));
      return [...kept, ...orphans.values()];
    });
  }

  /** Removes an image with all its names; returns the snapshots that it had. Its blobs go unless another image has them. */
  async remove(id: Digest): Promise<string[]> {
    const doomed = [...this.#byManifest.values()].filter((loaded) => loaded.id === id);
    const manifests = new Set(doomed.map((loaded) => loaded.manifestDigest));
    await this.#content.update((entries) => entries.filter((entry) => !manifests.has(entry.digest)));
    for (const digest of manifests) this.#byManifest.delete(digest);
    const needed = new Set([...this.#byManifest.values()].flatMap((loaded) => loaded.blobs));
    for (const blob of new Set(doomed.flatMap((loaded) => loaded.blobs))) if (!needed.has(blob)) await this.#content.delete(blob);
    return [...new Set(doomed.flatMap((loaded) => loaded.layers.map((layer) => layer.snapshotId)))];
  }

  /** Removes blobs that no image names: what a killed engine had begun. */
  async sweepBlobs(): Promise<void> {
    const needed = new Set([...this.#content.entries.map((entry) => entry.digest), ...[...this.#byManifest.values()].flatMap((loaded) => loaded.blobs)]);
    for (const digest of await this.#content.list()) if (!needed.has(digest)) await this.#content.delete(digest);
  }

  snapshotsInUse(): Set<string> {
    return new Set([...this.#byManifest.values()].flatMap((loaded) => loaded.layers.map((layer) => layer.snapshotId)));
  }

  #record(id: Digest): ImageRecord {
    const record = this.list().find((image) => image.id === id);
    if (!record) throw new Error(`image ${id} was not recorded`);
    return record;
  }

  async #loadManifest(digest: Digest): Promise<Loaded> {
    const known = this.#byManifest.get(digest);
    if (known) return known;
    const manifest = await this.#content.readJson(digest, manifestSchema);
    const config = await this.#content.readJson(manifest.config.digest, imageConfigSchema);
    const snapshots = config.rootfs.diff_ids.map((diffId) => {
      const snapshot = this.#snapshots.findByDiffId(diffId);
      if (!snapshot) throw new Error(`its layer ${diffId} is missing`);
      return { diffId, snapshotId: snapshot.id, size: snapshot.size };
    });
    const loaded: Loaded = {
      id: manifest.config.digest,
      manifestDigest: digest,
      config,
      layers: snapshots.map(({ diffId, snapshotId }) => ({ diffId, snapshotId })),
      size: snapshots.reduce((total, { size }) => total + size, 0),
      blobs: [digest, manifest.config.digest],
    };
    this.#byManifest.set(digest, loaded);
    return loaded;
  }
}

/** index.json carries full names, so that other tools read them: `docker.io/library/debian:bookworm`. */
function fullName(tag: string): string {
  const first = tag.split('/')[0] ?? '';
  if (tag.includes('/') && (/[.:]/.test(first) || first === 'localhost')) return tag;
  return tag.includes('/') ? `docker.io/${tag}` : `docker.io/library/${tag}`;
}

function shortName(name: string): string {
  return name.replace(/^docker\.io\/library\/(?!.*\/)/, '').replace(/^docker\.io\//, '');
}

function indexEntry(manifest: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>, name: string | undefined, repoDigests: readonly string[]): Descriptor {
  const annotations = {
    ...(name === undefined ? {} : { [NAME]: name, [REF_NAME]: name.slice(name.lastIndexOf(':') + 1) }),
    ...(repoDigests.length === 0 ? {} : { [REPO_DIGESTS]: JSON.stringify(repoDigests) }),
  };
  return { mediaType: manifest.mediaType || mediaTypes.ociManifest, digest: manifest.digest, size: manifest.size, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
}
