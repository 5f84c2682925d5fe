import type { Digest } from '../../content/digest.ts';
import type { ContentStore } from '../../content/contentStore.ts';
import { digestMismatch } from '../../content/contentStore.ts';
import { imageConfigSchema, indexSchema, manifestSchema, mediaTypes } from '../../content/oci.ts';
import { archiveEscapes, archiveInvalid, archiveUnsupported } from '../../host/tar/errors.ts';
import { ownerUnmapped } from '../../host/userNamespace.ts';
import { platformMissing } from '../../registry/errors.ts';
import type { ImageService } from '../imageService.ts';
import { hostPlatform } from '../../base/platform.ts';
import { choosePlatform } from '../platform.ts';
import { manifestInvalid } from './errors.ts';
import type { ServedBlob, ServedManifest } from './localRepositories.ts';

export interface ImportParts {
  readonly images: ImageService;
  readonly content: ContentStore;
  /** A blob of the repository, or a manifest. */
  readonly blob: (digest: Digest) => Promise<ServedBlob>;
}

const configTypes: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig];
const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerIndex];

/** Makes a pushed image one of this store, under the name; of an index, the image for this host. Artifacts and images of other platforms only are none: `undefined`. Throws MANIFEST_INVALID when it is no image that could be unpacked. */
export async function importPushed(parts: ImportParts, pushed: ServedManifest, name: string, signal: AbortSignal): Promise<Digest | undefined> {
  const chosen = await imageManifest(parts, pushed);
  const manifest = chosen && manifestSchema.parse(JSON.parse(chosen.body.toString('utf8')));
  if (!chosen || !manifest || !configTypes.includes(manifest.config.mediaType) || manifest.layers.some(({ urls }) => (urls?.length ?? 0) > 0)) return undefined;
  const config = await bytesOf(parts, manifest.config.digest);
  const parsed = imageConfigSchema.safeParse(parseJson(config));
  const diffIds = parsed.data?.rootfs.diff_ids;
  if (diffIds?.length !== manifest.layers.length) throw manifestInvalid({ detail: 'its configuration does not fit its layers' });
  return parts.images.holding(async (holds) => {
    for (const [index, diffId] of diffIds.entries()) {
      const { digest } = manifest.layers[index] ?? { digest: diffId };
      const open = async () => {
        const blob = await parts.blob(digest);
        return blob.open(0, blob.size - 1);
      };
      await parts.images.unpacker.layer(diffId, open, holds, signal).catch((error: unknown) => {
        throw isOfLayer(error) ? manifestInvalid({ detail: `its layer ${digest} cannot be unpacked: ${error.message}` }, { cause: error }) : error;
      });
    }
    const image = await parts.images.store.exclusively(async () => {
      await parts.content.put(config, manifest.config.digest, 'The configuration');
      await parts.content.put(chosen.body, chosen.digest);
      return parts.images.store.add({ manifest: { mediaType: chosen.mediaType, digest: chosen.digest, size: chosen.body.length }, tags: [name] });
    });
    return image.id;
  });
}

/** Whether it is the layer that is wrong, and not this host. */
function isOfLayer(error: unknown): error is Error {
  return [digestMismatch, archiveInvalid, archiveUnsupported, archiveEscapes, ownerUnmapped].some((one) => one.is(error));
}

async function imageManifest(parts: ImportParts, pushed: ServedManifest): Promise<ServedManifest | undefined> {
  if (!indexTypes.includes(pushed.mediaType)) return pushed;
  try {
    const { mediaType, digest } = choosePlatform(indexSchema.parse(JSON.parse(pushed.body.toString('utf8'))).manifests, hostPlatform(), 'the index');
    return indexTypes.includes(mediaType) ? undefined : { mediaType, digest, body: await bytesOf(parts, digest) };
  } catch (error) {
    if (platformMissing.is(error)) return undefined;
    throw error;
  }
}

async function bytesOf(parts: ImportParts, digest: Digest): Promise<Buffer> {
  const blob = await parts.blob(digest);
  const chunks: Buffer[] = [];
  for await (const chunk of await blob.open(0, blob.size - 1)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
}
