import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { digestMismatch } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor, Digest } from '../content/oci.ts';
import { basicAuthorization, bearerToken, parseChallenge } from './auth.ts';
import type { Credentials } from './auth.ts';
import { registryImageUnknown, registryRefused, registryUnauthorized, registryUnreachable } from './errors.ts';
import { isLoopback, reasonOf } from './hosts.ts';
import { familiarTag } from './reference.ts';
import type { Reference } from './reference.ts';

const ACCEPT = [mediaTypes.ociIndex, mediaTypes.dockerIndex, mediaTypes.ociManifest, mediaTypes.dockerManifest].join(', ');
const ATTEMPTS = 3;
/** Bytes; registries refuse longer manifests too. */
const MAX_DOCUMENT = 4 * 1024 * 1024;

export interface FetchedManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly body: Buffer;
}

/** Reads one repository of a registry: manifests and blobs, with whatever authentication the registry asks for. */
export class RegistryClient {
  readonly #reference: Reference;
  readonly #credentials: Credentials | undefined;
  readonly #base: string;
  #authorization: string | undefined;

  constructor(reference: Reference, credentials?: Credentials) {
    this.#reference = reference;
    this.#credentials = credentials;
    const host = reference.domain === 'docker.io' ? 'registry-1.docker.io' : reference.domain;
    this.#base = `${isLoopback(host) ? 'http' : 'https'}://${host}/v2/${reference.path}`;
  }

  /** The manifest or index by tag or digest; a digest is verified. */
  async manifest(tagOrDigest: string, signal: AbortSignal): Promise<FetchedManifest> {
    const response = await this.#get(`/manifests/${tagOrDigest}`, { Accept: ACCEPT }, signal);
    const body = await this.#document(response);
    const digest: Digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    if (tagOrDigest.startsWith('sha256:') && tagOrDigest !== digest) throw digestMismatch({ what: `The manifest of ${familiarTag(this.#reference)}`, expected: tagOrDigest, found: digest });
    const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
    return { mediaType, digest, body };
  }

  /** A blob as a stream that ends with an error when it is not what its digest says. */
  async blob(descriptor: Pick<Descriptor, 'digest' | 'size'>, signal: AbortSignal, onBytes: (count: number) => void = () => undefined): Promise<Readable> {
    const response = await this.#get(`/blobs/${descriptor.digest}`, {}, signal);
    const body = response.body;
    if (!body) throw registryRefused({ host: this.#reference.domain, status: response.status, detail: `the blob ${descriptor.digest} has no body` });
    return Readable.from(checked(this.#reference.domain, body, descriptor, onBytes), { objectMode: false, highWaterMark: 256 * 1024 });
  }

  /** The body of an answer that must be short. */
  async #document(response: Response): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_DOCUMENT) throw registryRefused({ host: this.#reference.domain, status: response.status, detail: `its manifest is longer than ${MAX_DOCUMENT} bytes` });
      }
    } catch (error) {
      if (registryRefused.is(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
      throw registryUnreachable({ host: this.#reference.domain, detail: `the connection broke (${reasonOf(error)})` }, { cause: error });
    }
    return Buffer.concat(chunks);
  }

  async #get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#fetch(`${this.#base}${path}`, headers, signal);
      if (response.ok) return response;
      const text = await beginningOf(response);
      if (response.status === 401 && attempt < ATTEMPTS && (await this.#authorize(response, signal))) continue;
      throw this.#refusal(response.status, text);
    }
  }

  async #fetch(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(url, { headers: { ...headers, ...(this.#authorization === undefined ? {} : { Authorization: this.#authorization }) }, signal, redirect: 'follow' });
    } catch (error) {
      if (signal.aborted) throw error;
      throw registryUnreachable({ host: this.#reference.domain, detail: reasonOf(error) }, { cause: error });
    }
    if (!leavesTls(url, response.url)) return response;
    await response.body?.cancel();
    throw registryRefused({ host: this.#reference.domain, status: response.status, detail: `it redirects to ${new URL(response.url).origin}, which is not https` });
  }

  /** Answers a challenge; false when there is nothing (more) to answer it with. */
  async #authorize(response: Response, signal: AbortSignal): Promise<boolean> {
    const challenge = parseChallenge(response.headers.get('www-authenticate') ?? '');
    const before = this.#authorization;
    if (challenge?.scheme === 'bearer') this.#authorization = `Bearer ${await bearerToken(challenge, this.#reference, this.#credentials, signal)}`;
    else if (challenge?.scheme === 'basic' && this.#credentials && 'username' in this.#credentials) this.#authorization = basicAuthorization(this.#credentials);
    return this.#authorization !== before;
  }

  #refusal(status: number, detail: string): Error {
    const host = this.#reference.domain;
    if (status === 401 || status === 403) return registryUnauthorized({ host, repository: this.#reference.familiarName });
    if (status === 404) return registryImageUnknown({ host, reference: familiarTag(this.#reference) });
    return registryRefused({ host, status, detail });
  }
}

/** Redirects of a registry that is reached by TLS must stay there. */
function leavesTls(asked: string, answered: string): boolean {
  return asked.startsWith('https:') && answered !== '' && !answered.startsWith('https:');
}

const ERROR_TEXT = 300;

/** What a refusal says, however long it goes on. */
async function beginningOf(response: Response): Promise<string> {
  let text = '';
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.length >= ERROR_TEXT) break; // ends the stream, too
  }
  return text.slice(0, ERROR_TEXT);
}

async function* checked(host: string, body: AsyncIterable<Uint8Array>, { digest, size }: Pick<Descriptor, 'digest' | 'size'>, onBytes: (count: number) => void): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let count = 0;
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      count += chunk.length;
      if (count > size) throw digestMismatch({ what: `A blob from ${host}`, expected: `${digest} (${size} bytes)`, found: 'more bytes than that' });
      onBytes(chunk.length);
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  } catch (error) {
    if (digestMismatch.is(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
    throw registryUnreachable({ host, detail: `the connection broke after ${count} of ${size} bytes (${reasonOf(error)})` }, { cause: error });
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw digestMismatch({ what: `A blob from ${host}`, expected: digest, found });
}
