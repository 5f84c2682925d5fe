import type { Buffer } from 'node:buffer';
import { Digester } from '../content/digest.ts';
import type { Digest, DigestAlgorithm } from '../content/digest.ts';
import { notFound } from '../base/errors.ts';

/** A layer's tar as it goes by; ends with NOT_FOUND when it is not the one that the layer was made of. */
export async function* verified(source: AsyncIterable<Buffer>, diffId: Digest): AsyncGenerator<Buffer> {
  const hash = Digester.like(diffId);
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest() !== diffId) throw notFound({ kind: 'layer with its original content (the snapshot was changed on disk)', id: diffId });
}

/** Digest and size in bytes of a layer's tar. */
export async function digestTar(source: AsyncIterable<Buffer>, algorithm: DigestAlgorithm = 'sha256'): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = new Digester(algorithm);
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: hash.digest(), size };
}
