import type { Buffer } from 'node:buffer';
import type { Platform } from '../../base/platform.ts';
import { cacheInvalid } from '../../content/buildCache.ts';
import { indexSchema, mediaTypes } from '../../content/oci.ts';
import type { Digest } from '../../content/digest.ts';
import type { Descriptor } from '../../content/oci.ts';
import { platformMissing } from '../../registry/errors.ts';
import { choosePlatform } from '../platform.ts';

export function isIndex({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex;
}

/** The manifests of an index's images for these platforms, as far as it has them. Throws BUILD_CACHE_INVALID. */
export function chosenManifests(name: string, index: Buffer, platforms: readonly Platform[]): Digest[] {
  const parsed = indexSchema.safeParse(JSON.parse(index.toString('utf8')));
  if (!parsed.success) throw cacheInvalid({ cache: name, detail: 'its index is damaged' });
  const digests = platforms.flatMap((platform): Digest[] => {
    try {
      return [choosePlatform(parsed.data.manifests, platform, name).digest];
    } catch (error) {
      if (platformMissing.is(error)) return [];
      throw error;
    }
  });
  if (digests.length === 0) throw cacheInvalid({ cache: name, detail: 'it is an index without an image of this platform' });
  return [...new Set(digests)];
}

/** Reads the cache of each; those that have none are left out, unless none has. */
export async function readAny<T>(list: readonly Digest[], read: (digest: Digest) => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  const failures: Error[] = [];
  for (const digest of list) {
    try {
      found.push(await read(digest));
    } catch (error) {
      if (!cacheInvalid.is(error)) throw error;
      failures.push(error);
    }
  }
  const [failure] = failures;
  if (found.length === 0 && failure) throw failure;
  return found;
}
