import { z } from 'zod';
import type { Digest } from '../content/digest.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { ImageRecord } from './imageRecord.ts';
import { readImage } from './readImage.ts';
import type { Loaded } from './readImage.ts';

/** Annotations of index.json: the full name of an entry (as containerd writes it), and what registries called the image. */
const NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const REPO_DIGESTS = 'dev.berth.repo-digests';
const PLATFORM_OF = 'dev.berth.platform-of';

const digestsSchema = z.array(z.string());

export interface NewEntry {
  readonly manifest: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  readonly tags: readonly string[];
  readonly repoDigests?: readonly string[];
  /** The name that it has in its registry, and does not get here: that is kept for this host's platform. */
  readonly platformOf?: string;
}

/** The images that index.json names, in memory; index.json is the truth and every change goes there first. */
export class ImageStore {
  readonly #content: ContentStore;
  readonly #snapshots: SnapshotStore;
  readonly #log: Log;
  readonly #byManifest = new Map<Digest, Loaded>();
  /** Of these entries; nothing when manifests have been loaded since. */
  #listed: { readonly entries: readonly Descriptor[]; readonly records: readonly ImageRecord[] } | undefined;
  /** Images of which something is missing: not shown, but what is left of them stays until they are got again. */
  readonly #incomplete = new Map<Digest, Pick<Loaded, 'blobs' | 'snapshots'>>();
  /** Why an image that index.json names cannot be used. */
  readonly #unusable = new Map<Digest, string>();
  readonly #mutex = new KeyedMutex();

  constructor(content: ContentStore, snapshots: SnapshotStore, log: Log) {
    this.#content = content;
    this.#snapshots = snapshots;
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#byManifest.clear();
    this.#listed = undefined;
    this.#incomplete.clear();
    this.#unusable.clear();
    for (const { digest, annotations } of this.#content.entries) {
      await this.#loadManifest(digest).catch((error: unknown) => {
        this.#unusable.set(digest, error instanceof Error ? error.message : String(error));
        this.#log.error('an image cannot be used: pull or load it again', { name: annotations?.[NAME], manifest: digest, error });
      });
    }
  }

  /** Tries the images again that could not be used: what they lacked may be here now. */
  async loadAgain(): Promise<void> {
    for (const { manifest } of this.incomplete()) await this.#loadManifest(manifest).catch((error: unknown) => this.#unusable.set(manifest, error instanceof Error ? error.message : String(error)));
  }

  /** Runs changes one after the other: blobs that one of them counts on are not removed by another. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run('images', work);
  }

  /** Made once for each change: every name that is looked up asks for it. */
  list(): ImageRecord[] {
    const { entries } = this.#content;
    if (this.#listed?.entries !== entries) this.#listed = { entries, records: this.#records() };
    return [...this.#listed.records];
  }

  #records(): ImageRecord[] {
    const records = new Map<string, ImageRecord>();
    for (const entry of this.#content.entries) {
      const loaded = this.#byManifest.get(entry.digest);
      if (!loaded) continue;
      const known = records.get(keyOf(loaded));
      const name = entry.annotations?.[NAME];
      const digests = repoDigestsOf(entry);
      records.set(keyOf(loaded), {
        ...(known ?? toRecord(loaded)),
        ...indexOf(loaded),
        repoTags: [...(known?.repoTags ?? []), ...(name === undefined ? [] : [shortName(name)])],
        repoDigests: [...new Set([...(known?.repoDigests ?? []), ...digests])],
        ...(entry.annotations?.[PLATFORM_OF] === undefined ? {} : { platformOf: shortName(entry.annotations[PLATFORM_OF]) }),
      });
    }
    return [...records.values()];
  }

  /** Adds an image whose blobs and snapshots are here, or gives a known one more names. A name belongs to one image: it moves. */
  async add(entry: NewEntry): Promise<ImageRecord> {
    const loaded = await this.#loadManifest(entry.manifest.digest);
    await this.#content.update((entries) => {
      const names = entry.tags.map(fullName);
      // What was nameless until now and is part of an index needs no row of its own.
      const parts = new Set([entry.manifest.digest, ...(loaded.index?.manifests.map(({ digest }) => digest) ?? [])]);
      const others = entries.filter((other) => !names.includes(other.annotations?.[NAME] ?? '')).filter((other) => !(parts.has(other.digest) && other.annotations?.[NAME] === undefined && (other.digest === entry.manifest.digest || repoDigestsOf(other).length === 0)));
      const isReplaced = (other: Descriptor): boolean => isSameImages(this.#byManifest.get(other.digest), loaded) && repoDigestsOf(other).length === 0;
      const displaced = entries.filter((other) => !isReplaced(other)).filter((other) => names.includes(other.annotations?.[NAME] ?? '') && !parts.has(other.digest) && !others.some((left) => left.digest === other.digest));
      const known = entries.filter((other) => other.digest === entry.manifest.digest).flatMap(repoDigestsOf);
      const repoDigests = [...new Set([...known, ...(entry.repoDigests ?? [])])];
      const needsNameless = names.length === 0 && !others.some((other) => other.digest === entry.manifest.digest);
      return [...others, ...displaced.map((other) => indexEntry(other, undefined, repoDigestsOf(other))), ...names.map((name) => indexEntry(entry.manifest, name, repoDigests)), ...(needsNameless ? [indexEntry(entry.manifest, undefined, repoDigests, entry.platformOf)] : [])];
    });
    await this.#dropUnnamed();
    return this.#record(loaded);
  }

  /** Takes away what has no name but this digest, and nothing else of the same images; returns the snapshots that it had. */
  async dropNameless(digest: Digest): Promise<string[]> {
    const snapshots = this.#byManifest.get(digest)?.snapshots ?? [];
    await this.#content.update((entries) => entries.filter((entry) => entry.digest !== digest || entry.annotations?.[NAME] !== undefined), { frees: true });
    await this.#dropUnnamed();
    return [...snapshots];
  }

  /** Gives up the indexes that others took the place of, with what only they name. */
  async #dropUnnamed(): Promise<void> {
    const named = new Set(this.#content.entries.map(({ digest }) => digest));
    const gone = [...this.#byManifest].filter(([digest, { index }]) => index && !named.has(digest));
    for (const [digest] of gone) this.#byManifest.delete(digest);
    await this.#deleteBlobs(gone.flatMap(([, { blobs }]) => blobs));
  }

  async #deleteBlobs(blobs: readonly Digest[]): Promise<void> {
    const needed = new Set(this.#all().flatMap((loaded) => loaded.blobs));
    for (const blob of new Set(blobs)) if (!needed.has(blob)) await this.#content.delete(blob);
  }

  /** What a name means: a manifest, of which an image may have several that differ by their annotations, or an index. */
  meaningOf(tag: string): Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | undefined {
    const name = fullName(tag);
    return this.#content.entries.find(({ annotations }) => annotations?.[NAME] === name);
  }

  /** Takes names away; an image without any stays, nameless. */
  async untag(tags: readonly string[]): Promise<void> {
    const names = tags.map(fullName);
    await this.#content.update((entries) => {
      const kept = entries.filter((entry) => !names.includes(entry.annotations?.[NAME] ?? ''));
      const gone = entries.filter((entry) => !kept.includes(entry));
      const orphans = new Map(gone.filter((entry) => !kept.some((left) => left.digest === entry.digest)).map((entry) => [entry.digest, indexEntry(entry, undefined, repoDigestsOf(entry))]));
      return [...kept, ...orphans.values()];
    }, { frees: true });
  }

  /** Removes an image with all its names; returns the snapshots that it had. Its blobs go unless another image has them. */
  async remove(id: Digest): Promise<string[]> {
    const doomed = [...this.#byManifest.values()].filter((loaded) => loaded.id === id);
    const manifests = new Set(doomed.map((loaded) => loaded.manifestDigest));
    await this.#content.update((entries) => entries.filter((entry) => !manifests.has(entry.digest)), { frees: true });
    for (const digest of manifests) this.#byManifest.delete(digest);
    await this.#deleteBlobs(doomed.flatMap((loaded) => loaded.blobs));
    return [...new Set(doomed.flatMap((loaded) => loaded.snapshots))];
  }

  /** The images that index.json names and that cannot be used, and why. */
  incomplete(): Array<{ readonly names: readonly string[]; readonly manifest: Digest; readonly reason: string }> {
    const digests = new Set(this.#content.entries.map(({ digest }) => digest).filter((digest) => !this.#byManifest.has(digest)));
    return [...digests].map((manifest) => ({ names: this.#names([manifest]), manifest, reason: this.#unusable.get(manifest) ?? 'it was not whole when the engine started' }));
  }

  /** The names of the images that have this blob. */
  namesOf(blob: Digest): string[] {
    const holders = [...this.#byManifest, ...this.#incomplete].filter(([, { blobs }]) => blobs.includes(blob)).map(([digest]) => digest);
    return this.#names([blob, ...holders]);
  }

  blobsInUse(): Set<Digest> {
    return new Set([...this.#content.entries.map((entry) => entry.digest), ...this.#all().flatMap((loaded) => loaded.blobs)]);
  }

  /** Removes blobs that no image names: what a killed engine had begun. */
  async sweepBlobs(): Promise<void> {
    const needed = this.blobsInUse();
    for (const digest of await this.#content.list()) if (!needed.has(digest)) await this.#content.delete(digest);
  }

  snapshotsInUse(): Set<string> {
    return new Set(this.#all().flatMap((loaded) => loaded.snapshots));
  }

  #all(): Array<Pick<Loaded, 'blobs' | 'snapshots'>> {
    return [...this.#byManifest.values(), ...this.#incomplete.values()];
  }

  #names(manifests: readonly Digest[]): string[] {
    return [...new Set(this.#content.entries.filter(({ digest }) => manifests.includes(digest)).flatMap(({ annotations }) => (annotations?.[NAME] === undefined ? [] : [shortName(annotations[NAME])])))];
  }

  #record(loaded: Loaded): ImageRecord {
    const multi = loaded.index && loaded.index.images.length > 1 ? loaded.index.descriptor.digest : undefined;
    const record = this.list().find(({ id, index }) => id === loaded.id && (multi === undefined || index?.descriptor.digest === multi));
    if (!record) throw new Error(`image ${loaded.id} was not recorded`);
    return record;
  }

  async #loadManifest(digest: Digest): Promise<Loaded> {
    const known = this.#byManifest.get(digest);
    if (known) return known;
    const loaded = await readImage({ content: this.#content, snapshots: this.#snapshots }, digest, (needs) => void this.#incomplete.set(digest, needs));
    this.#incomplete.delete(digest);
    this.#unusable.delete(digest);
    this.#byManifest.set(digest, loaded);
    this.#listed = undefined;
    return loaded;
  }
}

/** Two names are of one image when they mean the same for every platform. */
function keyOf({ id, index }: Loaded): string {
  return index && index.images.length > 1 ? `${id} ${index.descriptor.digest}` : id;
}

/** Whether two indexes name the same images, and only what is said of them differs. */
function isSameImages(one: Loaded | undefined, other: Loaded): boolean {
  const images = ({ index }: Loaded): string => (index?.images ?? []).map(({ manifestDigest }) => manifestDigest).join();
  return one?.index !== undefined && other.index !== undefined && images(one) === images(other);
}

function toRecord({ id, manifestDigest, config, layers, size }: Loaded): ImageRecord {
  return { id, manifestDigest, config, layers, size, created: config.created ?? '1970-01-01T00:00:00Z', repoTags: [], repoDigests: [] };
}

function indexOf({ index }: Loaded): Pick<ImageRecord, 'index'> {
  return index ? { index: { ...index, images: index.images.map(toRecord) } } : {};
}

function repoDigestsOf({ annotations }: Descriptor): string[] {
  try {
    return digestsSchema.parse(JSON.parse(annotations?.[REPO_DIGESTS] ?? '[]'));
  } catch {
    return []; // somebody else's annotation
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

function indexEntry(manifest: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>, name: string | undefined, repoDigests: readonly string[], platformOf?: string): Descriptor {
  const annotations = {
    ...(name === undefined ? {} : { [NAME]: name, [REF_NAME]: name.slice(name.lastIndexOf(':') + 1) }),
    ...(repoDigests.length === 0 ? {} : { [REPO_DIGESTS]: JSON.stringify(repoDigests) }),
    ...(platformOf === undefined ? {} : { [PLATFORM_OF]: fullName(platformOf) }),
  };
  return { mediaType: manifest.mediaType || mediaTypes.ociManifest, digest: manifest.digest, size: manifest.size, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
}
