import { familiarTag, parseReference } from '../registry/reference.ts';
import { ambiguousImageId, noSuchImage } from './errors.ts';
import type { ImageRecord } from './imageRecord.ts';

/**
 * The image that `ref` means, as Docker resolves it: a full id, a name (`latest` where no tag is given), a name with a digest,
 * or the beginning of an id. Throws NO_SUCH_IMAGE, AMBIGUOUS_IMAGE_ID.
 */
export function findImage(images: readonly ImageRecord[], ref: string): ImageRecord {
  const hex = ref.replace(/^sha256:/, '');
  if (/^[0-9a-f]{64}$/.test(hex)) return images.find((image) => image.id === `sha256:${hex}`) ?? fail(ref);
  const named = byName(images, ref);
  if (named) return named;
  if (/^[0-9a-f]{1,63}$/.test(hex)) {
    const fits = images.filter((image) => image.id.startsWith(`sha256:${hex}`));
    if (fits.length > 1) throw ambiguousImageId({ id: hex });
    if (fits[0]) return fits[0];
  }
  return fail(ref);
}

function byName(images: readonly ImageRecord[], ref: string): ImageRecord | undefined {
  let reference: ReturnType<typeof parseReference>;
  try {
    reference = parseReference(ref);
  } catch {
    return undefined;
  }
  const digest = reference.digest;
  if (digest !== undefined) return images.find((image) => image.repoDigests.includes(`${reference.familiarName}@${digest}`) || image.manifestDigest === digest);
  return images.find((image) => image.repoTags.includes(familiarTag(reference)));
}

/** Docker's words name the tag that was looked for. */
function fail(ref: string): never {
  const looksLikeId = /^(sha256:)?[0-9a-f]{12,64}$/.test(ref);
  const hasTag = ref.includes('@') || ref.lastIndexOf(':') > ref.lastIndexOf('/');
  throw noSuchImage({ ref: looksLikeId || hasTag ? ref : `${ref}:latest` });
}
