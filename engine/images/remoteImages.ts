import { buffer } from 'node:stream/consumers';
import type { AttestedImage } from '../api/berth/image.ts';
import type { OperationContext } from '../base/context.ts';
import { badRequest } from '../base/errors.ts';
import type { EventBus } from '../base/eventBus.ts';
import type { Platform } from '../base/platform.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { indexSchema, mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import type { Credentials } from '../registry/auth.ts';
import { listReferrers, listTags, searchRegistry } from '../registry/discovery.ts';
import type { FoundRepository } from '../registry/discovery.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import { HUB } from '../registry/registries.ts';
import type { Registries } from '../registry/registries.ts';
import type { FetchedManifest } from '../registry/registryClient.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageService } from './imageService.ts';
import type { PackedLayers } from './packedLayers.ts';
import { allLayers } from './imageRecord.ts';
import { pushImage } from './push.ts';
import { pushIndex, pushWholeIndex } from './pushIndex.ts';
import type { PushedImage, PushOptions, PushParts } from './push.ts';
import { readAttestations } from './readAttestations.ts';

export interface RemoteImageParts {
  readonly images: ImageService;
  readonly content: ContentStore;
  readonly snapshots: FileSnapshotStore;
  readonly registries: Registries;
  readonly packed: PackedLayers;
  readonly events: EventBus;
}

/** Images as registries have them: pushing, and looking at what is there. */
export class RemoteImages {
  readonly registries: Registries;
  readonly #parts: RemoteImageParts;

  constructor(parts: RemoteImageParts) {
    this.#parts = parts;
    this.registries = parts.registries;
  }

  /** Pushes the image of this name to the registry that the name says. Throws NO_SUCH_IMAGE, REGISTRY_*. */
  async push(ref: string, options: PushOptions, ctx: OperationContext): Promise<PushedImage> {
    const { images, events } = this.#parts;
    const reference = parseReference(ref);
    const found = images.resolve(familiarTag(reference));
    const meaning = images.store.meaningOf(familiarTag(reference)) ?? (await images.descriptor(found));
    const image = { ...found, manifestDigest: found.index?.descriptor.digest === meaning.digest ? found.manifestDigest : meaning.digest };
    const index = image.index?.descriptor.digest === meaning.digest ? image.index : undefined;
    const pushed = await this.#holding([image], () => (index ? pushWholeIndex(this.#pushParts, index, reference, options, ctx) : pushImage(this.#pushParts, image, reference, options, ctx)));
    await images.store.add({ manifest: meaning, tags: image.repoTags.filter((tag) => tag === familiarTag(reference)), repoDigests: [`${reference.familiarName}@${pushed.digest}`] });
    events.publish('image', 'push', image.id, { name: familiarTag(reference) });
    return pushed;
  }

  /** Pushes several images, each of another platform, under one name. Throws NO_SUCH_IMAGE, BAD_REQUEST, REGISTRY_*. */
  async pushIndex(name: string, refs: readonly string[], options: PushOptions, ctx: OperationContext): Promise<PushedImage> {
    const list = refs.map((ref) => this.#parts.images.resolve(ref));
    const platforms = list.map(({ config }) => [config.os, config.architecture, config.variant ?? ''].join('/'));
    const twice = platforms.find((platform, index) => platforms.indexOf(platform) !== index);
    if (list.length === 0 || twice !== undefined) throw badRequest({ what: 'images', detail: twice === undefined ? 'name the images of the index' : `two of them are for ${twice.replace(/\/$/, '')}` });
    return this.#holding(list, () => pushIndex(this.#pushParts, list, parseReference(name), options, ctx));
  }

  /** The names that an image without a tag stands for: all of its repository's. */
  tagsHere(repository: string): string[] {
    const { familiarName } = parseReference(repository);
    return this.#parts.images.list().flatMap(({ repoTags }) => repoTags.filter((tag) => tag.slice(0, tag.lastIndexOf(':')) === familiarName));
  }

  /** A manifest or index, from its registry. */
  async manifest(ref: string, credentials: Credentials | undefined, signal: AbortSignal): Promise<FetchedManifest> {
    const reference = parseReference(ref);
    using client = this.registries.client(reference, credentials);
    return await client.manifest(reference.digest ?? reference.tag ?? 'latest', signal);
  }

  /** What is attested of an image that is here, else of one in its registry. */
  async attestations(ref: string, platform: Platform | undefined, credentials: Credentials | undefined, signal: AbortSignal): Promise<AttestedImage[]> {
    const { images, content } = this.#parts;
    if (images.has(ref)) {
      const { index, manifestDigest, config } = images.resolve(ref);
      const row = { mediaType: mediaTypes.ociManifest, digest: manifestDigest, size: 0, platform: { os: config.os, architecture: config.architecture } };
      const read = ({ digest }: Descriptor): Promise<Buffer> => content.read(digest);
      return readAttestations(index?.manifests ?? [row], { manifest: read, blob: read }, platform);
    }
    const reference = parseReference(ref);
    using client = this.registries.client(reference, credentials);
    const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest', signal);
    const index = indexSchema.safeParse(JSON.parse(top.body.toString('utf8')));
    if (!index.success) return [{ digest: top.digest, platform: '', statements: [] }];
    return await readAttestations(index.data.manifests, { manifest: async ({ digest }) => (await client.manifest(digest, signal)).body, blob: async (row) => buffer(await client.blob(row, signal)) }, platform);
  }

  async tags(repository: string, credentials: Credentials | undefined, signal: AbortSignal): Promise<string[]> {
    const { domain, path } = parseReference(repository);
    using session = this.registries.session(domain, path, 'pull', credentials);
    return await listTags(session, path, signal);
  }

  async referrers(ref: string, artifactType: string | undefined, credentials: Credentials | undefined, signal: AbortSignal): Promise<Descriptor[]> {
    const reference = parseReference(ref);
    const digest = reference.digest ?? (await this.manifest(ref, credentials, signal)).digest;
    using session = this.registries.session(reference.domain, reference.path, 'pull', credentials);
    return await listReferrers(session, reference.path, digest, signal, artifactType);
  }

  /** `term` may begin with a registry: `registry.example/app`. */
  async search(term: string, limit: number, credentials: Credentials | undefined, signal: AbortSignal): Promise<FoundRepository[]> {
    const slash = term.indexOf('/');
    const first = slash < 0 ? '' : term.slice(0, slash);
    const hasHost = /[.:]/.test(first) || first === 'localhost';
    const domain = hasHost ? first : HUB;
    using session = this.registries.session(domain, '', 'pull', credentials);
    return await searchRegistry(session, domain, hasHost ? term.slice(slash + 1) : term, limit, signal);
  }

  get #pushParts(): PushParts {
    const { images, content, snapshots, registries, packed } = this.#parts;
    return { store: images.store, content, snapshots, registries, packed };
  }

  /** Layers that are on their way stay, whatever happens to their image meanwhile. */
  #holding<T>(list: readonly ImageRecord[], work: () => Promise<T>): Promise<T> {
    return this.#parts.images.holding((holds) => {
      for (const image of list) for (const { snapshotId } of allLayers(image)) holds.add(snapshotId);
      return work();
    });
  }
}
