import { request as httpRequest, Agent as HttpAgent } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import { registryRefused, registryUnreachable, registryUntrusted } from './errors.ts';
import { reasonOf } from './hosts.ts';
import { systemAuthorities } from './settings.ts';
import type { RegistrySettings } from './settings.ts';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Buffer | undefined;
  readonly signal: AbortSignal;
}

export interface RegistryResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  readonly body: IncomingMessage;
}

const REDIRECTS = 5;
/** Milliseconds without a byte after which a connection counts as broken. */
const SILENCE = 60_000;

/** HTTP to registries: connections are kept while the transport lives, certificates are checked by host, redirects of reads are followed. */
export class Transport implements Disposable {
  readonly #settings: RegistrySettings;
  readonly #plain = new HttpAgent({ keepAlive: true, proxyEnv: process.env });
  readonly #tls = new Map<string, HttpsAgent>();

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
  }

  [Symbol.dispose](): void {
    this.#plain.destroy();
    for (const agent of this.#tls.values()) agent.destroy();
  }

  /** Throws REGISTRY_UNREACHABLE, REGISTRY_UNTRUSTED, and REGISTRY_REFUSED for a redirect that leaves TLS. */
  async send(asked: RegistryRequest): Promise<RegistryResponse> {
    let request = asked;
    for (let hops = 0; ; hops += 1) {
      const response = await this.#once(request);
      const location = response.headers.location;
      const follows = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined && (request.method === 'GET' || request.method === 'HEAD');
      if (!follows) return response;
      response.body.resume();
      const url = new URL(location, request.url);
      if (hops >= REDIRECTS) throw registryRefused({ host: asked.url.host, status: response.status, detail: 'it redirects again and again' });
      if (asked.url.protocol === 'https:' && url.protocol !== 'https:') throw registryRefused({ host: asked.url.host, status: response.status, detail: `it redirects to ${url.origin}, which is not https` });
      // What is meant for one host is not told to another: storage behind a registry has its own signature in the address.
      request = { ...request, url, headers: url.host === request.url.host ? request.headers : withoutAuthorization(request.headers) };
    }
  }

  #once({ method, url, headers, body, signal }: RegistryRequest): Promise<RegistryResponse> {
    const secure = url.protocol === 'https:';
    const length = body !== undefined ? { 'Content-Length': String(body.length) } : method === 'POST' || method === 'PUT' ? { 'Content-Length': '0' } : {};
    const options: RequestOptions = { method, headers: { 'User-Agent': 'berth', ...length, ...headers }, signal, timeout: SILENCE, agent: secure ? this.#agentFor(url.host) : this.#plain };
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(url, options);
      request.once('timeout', () => request.destroy(new Error(`nothing came for ${SILENCE / 1000} seconds`)));
      request.once('response', (response) => resolve({ status: response.statusCode ?? 0, headers: response.headers, url, body: response }));
      request.once('error', (error) => reject(signal.aborted ? (signal.reason as Error) : failure(url.host, error)));
      request.end(body);
    });
  }

  #agentFor(host: string): HttpsAgent {
    const known = this.#tls.get(host);
    if (known) return known;
    const { ca, client } = this.#settings.certificatesOf(host);
    const agent = new HttpsAgent({ keepAlive: true, proxyEnv: process.env, ca: [...systemAuthorities(), ...ca], ...client });
    this.#tls.set(host, agent);
    return agent;
  }
}

function failure(host: string, error: Error): Error {
  const code = 'code' in error ? String(error.code) : '';
  if (!code.includes('ALERT') && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code)) return registryUntrusted({ host, detail: reasonOf(error) }, { cause: error });
  return registryUnreachable({ host, detail: reasonOf(error) }, { cause: error });
}

function withoutAuthorization(headers: RegistryRequest['headers']): RegistryRequest['headers'] {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

const ERROR_TEXT = 300;

/** What a refusal says, however long it goes on: the message of the registry's JSON, else the beginning of the text. */
export async function refusalText({ body }: RegistryResponse): Promise<string> {
  let text = '';
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length >= 4096) break; // ends the stream, too
    }
  } catch {
    // what there is must do
  }
  const coded = /"code"\s*:\s*"([A-Z_]+)"/.exec(text)?.[1];
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  if (coded !== undefined) return `${coded}${message ? `: ${message}` : ''}`.slice(0, ERROR_TEXT);
  return text.trim().slice(0, ERROR_TEXT);
}

/** The body of an answer that must be short. Throws REGISTRY_REFUSED, REGISTRY_UNREACHABLE. */
export async function document({ body, status, url }: RegistryResponse, limit: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) throw registryRefused({ host: url.host, status, detail: `its answer is longer than ${limit} bytes` });
    }
  } catch (error) {
    if (registryRefused.is(error)) throw error;
    signal.throwIfAborted();
    throw registryUnreachable({ host: url.host, detail: `the connection broke (${reasonOf(error)})` }, { cause: error });
  }
  return Buffer.concat(chunks);
}
