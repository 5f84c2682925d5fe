import { fitsPlatform, formatPlatform, normalPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import { familiarTag, parseReference } from '../registry/reference.ts';
import { ambiguousImageId, imageNotForPlatform, noSuchImage } from './errors.ts';
import type { ImageRecord } from './imageRecord.ts';

/**
 * The image that `ref` means, as Docker resolves it: a full id, a name (`latest` where no tag is given), a name with a digest,
 * or the beginning of an id. Throws NO_SUCH_IMAGE, AMBIGUOUS_IMAGE_ID.
 */
export function findImage(images: readonly ImageRecord[], ref: string): ImageRecord {
  const hex = ref.replace(/^sha256:/, '');
  if (/^[0-9a-f]{64}$/.test(hex)) return images.find((image) => image.id === `sha256:${hex}`) ?? ofOtherPlatforms(images).find((image) => image.id === `sha256:${hex}`) ?? fail(ref);
  const named = byName(images, ref);
  if (named) return named;
  if (/^[0-9a-f]{1,63}$/.test(hex)) {
    const found = [...images, ...ofOtherPlatforms(images)].filter((image) => image.id.startsWith(`sha256:${hex}`));
    const fits = found.filter((image, index) => found.findIndex(({ id }) => id === image.id) === index);
    if (fits.length > 1) throw ambiguousImageId({ id: hex });
    if (fits[0]) return fits[0];
  }
  return fail(ref);
}

/** The images that only an index names. */
function ofOtherPlatforms(images: readonly ImageRecord[]): ImageRecord[] {
  return images.flatMap(({ index }) => index?.images ?? []);
}

/**
 * The image that `ref` means for a platform: itself, one of its index, or what its registry has under that name for it.
 * Throws NO_SUCH_IMAGE, AMBIGUOUS_IMAGE_ID, IMAGE_NOT_FOR_PLATFORM.
 */
export function findForPlatform(images: readonly ImageRecord[], ref: string, platform: Platform): ImageRecord {
  const others = images.filter(({ platformOf, config }) => platformOf !== undefined && platformOf === tagOf(ref) && fitsPlatform(config, platform));
  let image: ImageRecord;
  try {
    image = findImage(images, ref);
  } catch (error) {
    if (others[0]) return others[0];
    throw error;
  }
  const { index } = image;
  if (fitsPlatform(image.config, platform)) return image;
  const found = index?.images.find(({ config }) => fitsPlatform(config, platform)) ?? others[0];
  if (found) return found;
  const has = (index?.images ?? [image]).map(({ config }) => formatPlatform(normalPlatform(config)));
  throw imageNotForPlatform({ ref, platform: formatPlatform(platform), has: [...new Set(has)].join(', ') });
}

function tagOf(ref: string): string | undefined {
  try {
    return familiarTag(parseReference(ref));
  } catch {
    return undefined;
  }
}

function byName(images: readonly ImageRecord[], ref: string): ImageRecord | undefined {
  let reference: ReturnType<typeof parseReference>;
  try {
    reference = parseReference(ref);
  } catch {
    return undefined;
  }
  const digest = reference.digest;
  if (digest !== undefined) return images.find((image) => image.repoDigests.includes(`${reference.familiarName}@${digest}`) || image.manifestDigest === digest || image.index?.descriptor.digest === digest) ?? ofOtherPlatforms(images).find((image) => image.manifestDigest === digest);
  return images.find((image) => image.repoTags.includes(familiarTag(reference)));
}

/** Docker's words name the tag that was looked for. */
function fail(ref: string): never {
  const looksLikeId = /^(sha256:)?[0-9a-f]{12,64}$/.test(ref);
  const hasTag = ref.includes('@') || ref.lastIndexOf(':') > ref.lastIndexOf('/');
  throw noSuchImage({ ref: looksLikeId || hasTag ? ref : `${ref}:latest` });
}
