import type { Digest } from '../content/digest.ts';
import { registryRefused, registryUnreachable, uploadLost } from './errors.ts';
import { ATTEMPTS, isTransient, pause, waitBefore } from './retry.ts';
import type { RegistrySession } from './session.ts';
import { refusalText } from './transport.ts';
import type { RegistryResponse } from './transport.ts';

/** Milliseconds that giving an upload up may take; registries forget those that nobody ends. */
const FAREWELL = 3000;

/** An upload that a registry has begun: where the next request goes, and how far it is. */
export class BlobUpload {
  readonly #session: RegistrySession;
  #location: URL;
  #done = 0;

  constructor(session: RegistrySession, begun: RegistryResponse) {
    this.#session = session;
    this.#location = this.#next(begun, undefined);
  }

  /** Bytes that the registry has. */
  get size(): number {
    return this.#done;
  }

  /** Sends the next bytes. When the connection breaks, the registry is asked how far it got, and the rest is sent. */
  async append(chunk: Buffer, signal: AbortSignal): Promise<void> {
    const end = this.#done + chunk.length;
    for (let failures = 0; this.#done < end; ) {
      const rest = chunk.subarray(chunk.length - (end - this.#done));
      const before = this.#done;
      try {
        const response = await this.#session.request({
          method: 'PATCH',
          path: this.#location,
          headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `${this.#done}-${end - 1}` },
          body: rest,
          signal,
          attempts: 1,
          expected: [416],
        });
        response.body.resume();
        if (response.status === 416) await this.#ask(signal);
        else this.#take(response, end);
        if (this.#done > before) continue;
        throw registryRefused({ host: this.#session.host, status: response.status, detail: 'it takes no more of an upload' });
      } catch (error) {
        failures += 1;
        signal.throwIfAborted();
        if (failures >= ATTEMPTS || !isWorthAnother(error)) throw error;
        await pause(waitBefore(failures, undefined), signal);
        await this.#ask(signal);
        if (this.#done > before) failures = 0;
      }
    }
    if (this.#done > end) throw registryRefused({ host: this.#session.host, status: 202, detail: 'it has more bytes of an upload than it was sent' });
  }

  /** Ends the upload with its last bytes. */
  async finish(last: Buffer, digest: Digest, signal: AbortSignal): Promise<void> {
    // The first request may bring everything; after chunks the last one is a chunk too, so that it can go on after a break.
    if (this.#done > 0 && last.length > 0) await this.append(last, signal);
    const body = this.#done > 0 ? undefined : last;
    const url = new URL(this.#location);
    url.searchParams.set('digest', digest);
    const response = await this.#session.request({ method: 'PUT', path: url, headers: { 'Content-Type': 'application/octet-stream' }, ...(body === undefined ? {} : { body }), signal });
    response.body.resume();
    if (body !== undefined) this.#done = body.length;
  }

  /** Tells the registry that the rest will not come; whether it listens is its affair. */
  async abandon(): Promise<void> {
    const response = await this.#session.request({ method: 'DELETE', path: this.#location, signal: AbortSignal.timeout(FAREWELL), attempts: 1 }).catch(() => undefined);
    response?.body.resume();
  }

  /** How far the registry is. Throws UPLOAD_LOST: docker-registry, for one, takes no more of an upload that broke within a chunk. */
  async #ask(signal: AbortSignal): Promise<void> {
    const response = await this.#session.request({ method: 'GET', path: this.#location, signal, expected: [400, 404, 416] });
    if (response.status >= 400) throw uploadLost({ host: this.#session.host, detail: (await refusalText(response)) || `status ${response.status}` });
    response.body.resume();
    this.#take(response, undefined);
  }

  /** `Range: 0-N` says that N + 1 bytes are there; of nothing, registries say `0-0` too. */
  #take(response: RegistryResponse, fallback: number | undefined): void {
    const last = /^(?:bytes=)?0-(\d+)$/.exec(String(response.headers['range'] ?? ''))?.[1];
    const said = last === undefined ? fallback : Number(last) + 1;
    this.#done = said === 1 && fallback === undefined && this.#done === 0 ? 0 : (said ?? this.#done);
    this.#location = this.#next(response, this.#location);
  }

  #next({ headers, url, status }: RegistryResponse, known: URL | undefined): URL {
    const { location } = headers;
    if (location !== undefined) return new URL(location, url);
    if (known) return known;
    throw registryRefused({ host: this.#session.host, status, detail: 'it does not say where an upload goes' });
  }
}

function isWorthAnother(error: unknown): boolean {
  return registryUnreachable.is(error) || (registryRefused.is(error) && isTransient(Number(error.params['status'])));
}
