import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { notFound } from '../base/errors.ts';
import type { Digest } from '../content/digest.ts';

/** A layer's tar as it is read, checked at its end. Throws NOT_FOUND: the files are not what they were. */
export async function* verified(source: AsyncIterable<Buffer>, diffId: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== diffId) throw notFound({ kind: 'layer with its original content (the snapshot was changed on disk)', id: diffId });
}
