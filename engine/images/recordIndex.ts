import { Buffer } from 'node:buffer';
import { digestOf } from '../content/digest.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { normalPlatform } from '../base/platform.ts';
import { makeAttestation } from './attestations.ts';
import type { Attestation, Predicate } from './attestations.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';

/** An image of an index that is made, and what is to be said of it there. */
export interface IndexMember {
  readonly image: Pick<ImageRecord, 'manifestDigest' | 'config'>;
  readonly predicates: readonly Predicate[];
  /** Of its row. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Puts images that are here, and what is attested of them, into one index, and names it. The same members make the same index. */
export function recordIndex({ content, store }: { readonly content: ContentStore; readonly store: ImageStore }, members: readonly IndexMember[], tags: readonly string[], annotations: Readonly<Record<string, string>> = {}): Promise<ImageRecord> {
  return store.exclusively(async () => {
    const attestations: Attestation[] = [];
    const rows: Descriptor[] = [];
    for (const { image, predicates, annotations: own = {} } of members) {
      const platform = normalPlatform(image.config);
      rows.push({ mediaType: mediaTypes.ociManifest, digest: image.manifestDigest, size: (await content.read(image.manifestDigest)).length, platform: { ...platform }, ...filled(own) });
      if (predicates.length > 0) attestations.push(makeAttestation(image.manifestDigest, tags.map((tag) => packageUrl(tag, platform)), predicates));
    }
    for (const { manifest, config, statements } of attestations) for (const { bytes } of [...statements, config, manifest]) await content.put(bytes);
    const manifests = [...rows, ...attestations.map(({ descriptor }) => descriptor)];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, ...filled(annotations) }));
    await content.put(index);
    return store.add({ manifest: { mediaType: mediaTypes.ociIndex, digest: digestOf(index), size: index.length }, tags });
  });
}

function filled(annotations: Readonly<Record<string, string>>): { annotations?: Record<string, string> } {
  return Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } };
}

/** `pkg:docker/app@1?platform=linux%2Farm64`, as BuildKit calls what it attests. */
function packageUrl(tag: string, { os, architecture, variant }: ReturnType<typeof normalPlatform>): string {
  const colon = tag.lastIndexOf(':');
  const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
  return `pkg:docker/${tag.slice(0, colon)}@${tag.slice(colon + 1)}?platform=${encodeURIComponent(platform)}`;
}
