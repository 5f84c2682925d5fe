import { digestAlgorithms, digestSchema } from '../../../content/digest.ts';
import type { Digest, DigestAlgorithm } from '../../../content/digest.ts';
import { digestInvalid } from '../../../images/served/errors.ts';

/** The digest of a request; of sha256 or sha512. Throws DIGEST_INVALID. */
export function digestOf(text: string): Digest {
  const digest = digestSchema.safeParse(text);
  if (!digest.success) throw digestInvalid({ detail: `"${text.slice(0, 100)}" is no digest of sha256 or sha512` });
  return digest.data;
}

/** What a client says that the digest of its upload will be made with; nothing said, nothing known. Throws DIGEST_INVALID. */
export function algorithmNamed(text: string | null): DigestAlgorithm | undefined {
  const algorithm = digestAlgorithms.find((one) => one === text);
  if (text !== null && algorithm === undefined) throw digestInvalid({ detail: `"${text.slice(0, 100)}" is neither sha256 nor sha512` });
  return algorithm;
}
