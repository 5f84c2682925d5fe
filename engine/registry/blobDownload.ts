import { Digester } from '../content/digest.ts';
import { digestMismatch } from '../content/contentStore.ts';
import type { Descriptor } from '../content/oci.ts';
import { registryRefused, registryUnreachable } from './errors.ts';
import { reasonOf } from './hosts.ts';
import { ATTEMPTS, pause, waitBefore } from './retry.ts';
import type { RegistryResponse } from './transport.ts';

export interface BlobSource {
  readonly host: string;
  readonly blob: Pick<Descriptor, 'digest' | 'size'>;
  /** The blob from this byte on, where the registry knows how: 206, else 200 and the whole. */
  readonly open: (offset: number) => Promise<RegistryResponse>;
  readonly signal: AbortSignal;
  readonly onBytes: (count: number) => void;
}

/**
 * The bytes of a blob. A connection that breaks is made again and goes on where it broke; the digest is computed meanwhile, and the
 * stream ends with an error when it is another. Throws DIGEST_MISMATCH, REGISTRY_UNREACHABLE when it breaks again and again without getting further.
 */
export async function* downloadBlob({ host, blob, open, signal, onBytes }: BlobSource, first: RegistryResponse): AsyncGenerator<Buffer> {
  const hash = Digester.like(blob.digest);
  let count = 0;
  let response: RegistryResponse | undefined = first;
  for (let failures = 0; ; ) {
    const before = count;
    try {
      response ??= await open(count);
      for await (const chunk of from(response, count)) {
        count += chunk.length;
        if (count > blob.size) throw digestMismatch({ what: `A blob from ${host}`, expected: `${blob.digest} (${blob.size} bytes)`, found: 'more bytes than that' });
        hash.update(chunk);
        onBytes(chunk.length);
        yield chunk;
      }
      if (count === blob.size) break;
      throw new Error('it ended early');
    } catch (error) {
      response?.body.destroy();
      response = undefined;
      signal.throwIfAborted();
      if (digestMismatch.is(error) || registryRefused.is(error)) throw error;
      failures = count > before ? 1 : failures + 1;
      if (failures >= ATTEMPTS) throw registryUnreachable({ host, detail: `the connection broke after ${count} of ${blob.size} bytes (${reasonOf(error)})` }, { cause: error });
      await pause(waitBefore(failures, undefined), signal);
    }
  }
  const found = hash.digest();
  if (found !== blob.digest) throw digestMismatch({ what: `A blob from ${host}`, expected: blob.digest, found });
}

/** The answer's bytes from `offset` on, wherever the answer itself begins. */
async function* from({ status, headers, body, url }: RegistryResponse, offset: number): AsyncGenerator<Buffer> {
  const begins = status === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN) : 0;
  if (begins !== offset && begins !== 0) throw registryRefused({ host: url.host, status, detail: `it was asked for bytes from ${offset} on and gave "${headers['content-range'] ?? ''}"` });
  let skip = offset - begins;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    yield skip > 0 ? chunk.subarray(skip) : chunk;
    skip = 0;
  }
}
