import { digestSchema } from '../../../content/digest.ts';
import type { Digest } from '../../../content/digest.ts';
import { digestInvalid } from '../../../images/served/errors.ts';

/** The digest of a request; of sha256 or sha512. Throws DIGEST_INVALID. */
export function digestOf(text: string): Digest {
  const digest = digestSchema.safeParse(text);
  if (!digest.success) throw digestInvalid({ detail: `"${text.slice(0, 100)}" is no digest of sha256 or sha512` });
  return digest.data;
}
