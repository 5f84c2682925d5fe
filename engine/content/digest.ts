import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';

/** The algorithms that OCI registers. */
export type DigestAlgorithm = 'sha256' | 'sha512';
export const digestAlgorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

export const digestSchema = z.string().regex(/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/);
/** `sha256:` and 64 lower-case hex digits, or `sha512:` and 128. */
export type Digest = z.infer<typeof digestSchema>;

export function isDigest(text: string): boolean {
  return digestSchema.safeParse(text).success;
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** Digests what goes by. */
export class Digester {
  readonly algorithm: DigestAlgorithm;
  readonly #hash: Hash;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** By the algorithm of a digest; by sha256 where there is none to compare with. */
  static like(digest: Digest | undefined): Digester {
    return new Digester(digest === undefined ? undefined : algorithmOf(digest));
  }

  update(data: string | Uint8Array): this {
    this.#hash.update(data);
    return this;
  }

  /** Once, at the end. */
  digest(): Digest {
    return `${this.algorithm}:${this.#hash.digest('hex')}`;
  }
}

/** The digest of bytes, as OCI writes it: by the algorithm of `like`, else by sha256. */
export function digestOf(data: string | Uint8Array, like?: Digest): Digest {
  return Digester.like(like).update(data).digest();
}

/** Where an OCI layout has a blob below its folder `blobs`. */
export function blobFile(digest: Digest): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(algorithm, hex);
}

/** The digest that a file below `blobs/<algorithm>` is named after; nothing for another file. */
export function digestOfFile(algorithm: DigestAlgorithm, name: string): Digest | undefined {
  const digest = `${algorithm}:${name}`;
  return isDigest(digest) ? digest : undefined;
}
