import { digestSchema } from '../../../content/oci.ts';
import type { Digest } from '../../../content/oci.ts';
import { digestInvalid } from '../../../images/served/errors.ts';

/** The digest of a request; only sha256 is known here. Throws DIGEST_INVALID. */
export function digestOf(text: string): Digest {
  const digest = digestSchema.safeParse(text);
  if (!digest.success) throw digestInvalid({ detail: `"${text.slice(0, 100)}" is no digest of sha256` });
  return digest.data;
}
