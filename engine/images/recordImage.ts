import { Buffer } from 'node:buffer';
import { digestOf } from '../content/digest.ts';
import type { ContentStore } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';

/** Writes configuration and manifest of an image whose layers are here, and names it. */
export function recordImage({ content, store }: { content: ContentStore; store: ImageStore }, config: Buffer, layers: readonly Descriptor[], tags: readonly string[], annotations: Readonly<Record<string, string>> = {}): Promise<ImageRecord> {
  return store.exclusively(async () => {
    const described = { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length };
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: described, layers, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) }));
    await Promise.all([content.put(config), content.put(manifest)]);
    return store.add({ manifest: { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length }, tags });
  });
}
