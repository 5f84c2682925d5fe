import { Digester, digestOf, isDigest } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { digestMismatch } from '../content/contentStore.ts';
import type { Descriptor } from '../content/oci.ts';
import { registryRefused, uploadLost } from './errors.ts';
import type { RegistrySession } from './session.ts';
import { BlobUpload } from './blobUpload.ts';

/** Bytes that are sent at a time, and that are sent again at most when a connection breaks. A blob that fits goes in one request. */
const CHUNK = 8 * 1024 * 1024;

/** How often a blob is begun. */
const UPLOADS = 4;

export interface BlobToUpload {
  /** The content from its beginning; asked for again when a registry loses an upload. */
  readonly open: () => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>;
  /** What the content must be; without it the digest is what comes out. */
  readonly expected?: Digest | undefined;
  readonly onBytes?: (count: number) => void;
}

/** Writes to one repository of a registry. */
export class RepositoryWriter implements Disposable {
  readonly #session: RegistrySession;
  readonly #path: string;

  constructor(session: RegistrySession, path: string) {
    this.#session = session;
    this.#path = path;
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }

  /** Whether the repository has the blob. */
  async has(digest: Digest, signal: AbortSignal): Promise<boolean> {
    const response = await this.#session.request({ method: 'HEAD', path: `/v2/${this.#path}/blobs/${digest}`, signal, expected: [404] });
    response.body.resume();
    return response.status === 200;
  }

  /** Has the registry take a blob over from another of its repositories; false when it does not. */
  async mount(digest: Digest, from: string, signal: AbortSignal): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const response = await this.#session.request({ method: 'POST', path: `/v2/${this.#path}/blobs/uploads/?${query.toString()}`, signal, expected: [400, 404, 405], scopes: [`repository:${from}:pull`] });
    response.body.resume();
    if (response.status === 202) await new BlobUpload(this.#session, response).abandon();
    return response.status === 201;
  }

  /** Uploads a blob, in one request when it is short, else in chunks, each of which goes on where a broken connection left it. Throws DIGEST_MISMATCH, REGISTRY_*. */
  async upload(blob: BlobToUpload, signal: AbortSignal): Promise<{ digest: Digest; size: number }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#upload(blob, signal);
      } catch (error) {
        if (!uploadLost.is(error) || attempt >= UPLOADS) throw error;
      }
    }
  }

  async #upload({ open, expected, onBytes }: BlobToUpload, signal: AbortSignal): Promise<{ digest: Digest; size: number }> {
    const response = await this.#session.request({ method: 'POST', path: `/v2/${this.#path}/blobs/uploads/`, signal });
    response.body.resume();
    const upload = new BlobUpload(this.#session, response);
    const hash = Digester.like(expected);
    try {
      let last = Buffer.alloc(0);
      // Only now: content that nobody reads, for the registry is not there, would keep its files open.
      for await (const chunk of chunksOf(await open(), CHUNK)) {
        hash.update(chunk);
        if (last.length > 0) await upload.append(last, signal);
        onBytes?.(last.length);
        last = chunk;
      }
      const digest = hash.digest();
      if (expected !== undefined && digest !== expected) throw digestMismatch({ what: 'What was to be pushed', expected, found: digest });
      await upload.finish(last, digest, signal);
      onBytes?.(last.length);
      return { digest, size: upload.size };
    } catch (error) {
      await upload.abandon();
      throw error;
    }
  }

  /** Writes a manifest or an index. Throws REGISTRY_REFUSED when the registry keeps another one than it got. */
  async putManifest(tagOrDigest: string, manifest: Pick<Descriptor, 'mediaType'> & { readonly body: Buffer }, signal: AbortSignal): Promise<Digest> {
    const digest = digestOf(manifest.body, isDigest(tagOrDigest) ? tagOrDigest : undefined);
    const response = await this.#session.request({ method: 'PUT', path: `/v2/${this.#path}/manifests/${tagOrDigest}`, headers: { 'Content-Type': manifest.mediaType }, body: manifest.body, signal });
    response.body.resume();
    const kept = response.headers['docker-content-digest'];
    if (typeof kept === 'string' && isDigest(kept) && kept !== digestOf(manifest.body, kept)) throw registryRefused({ host: this.#session.host, status: response.status, detail: `it says that it keeps the manifest ${digest} as ${kept}` });
    return digest;
  }
}

async function* chunksOf(content: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer<ArrayBuffer>> {
  let pieces: Buffer[] = [];
  let have = 0;
  for await (const piece of content) {
    for (let rest = piece; rest.length > 0; ) {
      const taken = rest.subarray(0, size - have);
      pieces.push(taken);
      have += taken.length;
      rest = rest.subarray(taken.length);
      if (have < size) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      have = 0;
    }
  }
  yield Buffer.concat(pieces);
}
