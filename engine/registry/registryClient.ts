import { Readable } from 'node:stream';
import { digestOf, isDigest } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { digestMismatch } from '../content/contentStore.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { downloadBlob } from './blobDownload.ts';
import { archiveEscapes, archiveInvalid, archiveUnsupported } from '../host/tar/errors.ts';
import { registryImageUnknown, registryRefused, registryUnreachable } from './errors.ts';
import { familiarTag } from './reference.ts';
import type { Reference } from './reference.ts';
import type { RegistrySession } from './session.ts';
import { document } from './transport.ts';
import type { RegistryResponse } from './transport.ts';

const ACCEPT = [mediaTypes.ociIndex, mediaTypes.dockerIndex, mediaTypes.ociManifest, mediaTypes.dockerManifest].join(', ');
/** Bytes; registries refuse longer manifests too. */
export const MAX_DOCUMENT = 4 * 1024 * 1024;

const BAD_BLOB = [digestMismatch, archiveInvalid, archiveUnsupported, archiveEscapes, registryUnreachable, registryRefused];

export interface FetchedManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly body: Buffer;
}

/** Reads one repository of a registry: manifests and blobs. Mirrors are asked first; what one does not have, or not whole, the next is asked for. */
export class RegistryClient implements Disposable {
  readonly #reference: Reference;
  readonly #all: readonly RegistrySession[];
  #sessions: readonly RegistrySession[];

  /** `sessions`: the mirrors, the registry last. */
  constructor(reference: Reference, sessions: readonly RegistrySession[]) {
    this.#reference = reference;
    this.#all = sessions;
    this.#sessions = sessions;
  }

  [Symbol.dispose](): void {
    for (const session of this.#all) session[Symbol.dispose]();
  }

  /**
   * Does what reads blobs: when that shows that one is not what it should be, or it cannot be had to its end, and a mirror may have given it,
   * once more with the registry itself. Nobody else can tell: a mirror's first bytes have been passed on by then.
   */
  async beyondMirrors<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const mayBeMirror = this.#sessions.length > 1;
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !mayBeMirror || !BAD_BLOB.some((one) => one.is(error))) throw error;
      this.#sessions = this.#all.slice(-1);
      return work();
    }
  }

  /** The manifest or index by tag or digest; a digest is verified. */
  manifest(tagOrDigest: string, signal: AbortSignal): Promise<FetchedManifest> {
    return this.#firstOf(async (session) => {
      const response = await session.request({ method: 'GET', path: `/v2/${this.#reference.path}/manifests/${tagOrDigest}`, headers: { Accept: ACCEPT }, signal, expected: [404] });
      const body = await document(this.#found(response), MAX_DOCUMENT, signal);
      const expected = isDigest(tagOrDigest) ? tagOrDigest : undefined;
      const digest = digestOf(body, expected);
      if (expected !== undefined && expected !== digest) throw digestMismatch({ what: `The manifest of ${familiarTag(this.#reference)}`, expected, found: digest });
      return { mediaType: (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '', digest, body };
    }, signal);
  }

  /** A blob as a stream that ends with an error when it is not what its digest says. */
  blob(descriptor: Pick<Descriptor, 'digest' | 'size'>, signal: AbortSignal, onBytes: (count: number) => void = () => undefined): Promise<Readable> {
    return this.#firstOf(async (session) => {
      const open = async (offset: number): Promise<RegistryResponse> => {
        const headers = offset > 0 ? { Range: `bytes=${offset}-` } : {};
        const response = await session.request({ method: 'GET', path: `/v2/${this.#reference.path}/blobs/${descriptor.digest}`, headers, signal, expected: [404] });
        return this.#found(response);
      };
      const first = await open(0);
      return Readable.from(downloadBlob({ host: session.host, blob: descriptor, open, signal, onBytes }, first), { objectMode: false, highWaterMark: 1024 * 1024 });
    }, signal);
  }

  async #firstOf<T>(ask: (session: RegistrySession) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const [index, session] of this.#sessions.entries()) {
      try {
        return await ask(session);
      } catch (error) {
        if (signal.aborted || index === this.#sessions.length - 1) throw error;
      }
    }
    throw new Error('a client has at least one session');
  }

  #found(response: RegistryResponse): RegistryResponse {
    if (response.status !== 404) return response;
    response.body.resume();
    throw registryImageUnknown({ host: this.#reference.domain, reference: familiarTag(this.#reference) });
  }
}

