import { parseChallenge } from './auth.ts';
import type { Credentials } from './auth.ts';
import { Authenticator } from './authenticator.ts';
import { loginRefused, registryRefused, registryUnauthorized, registryUnreachable } from './errors.ts';
import { ATTEMPTS, isTransient, pause, waitBefore } from './retry.ts';
import type { RegistrySettings } from './settings.ts';
import { refusalText, Transport } from './transport.ts';
import type { RegistryRequest, RegistryResponse } from './transport.ts';

/** What a session is for: error messages and scopes say so. */
export type Action = 'pull' | 'push' | 'delete';

export interface SessionRequest extends Omit<RegistryRequest, 'url' | 'headers'> {
  /** Below the registry's base, as `/v2/…`; or a whole address that the registry gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses of failure that the caller understands; default: none. */
  readonly expected?: readonly number[];
  /** How often it is tried at most; 1 for what must not be repeated as it is. */
  readonly attempts?: number;
  /** Further scopes that this request needs. */
  readonly scopes?: readonly string[];
}

/** Requests to one registry, or a mirror of it: authenticated, and repeated when the registry is busy or a connection broke before an answer came. */
export class RegistrySession implements Disposable {
  readonly host: string;
  readonly #base: URL;
  readonly #transport: Transport;
  readonly #auth: Authenticator;
  readonly #scope: { readonly repository: string; readonly action: Action };

  constructor(base: URL, settings: RegistrySettings, scope: { readonly repository: string; readonly action: Action }, credentials?: Credentials) {
    this.#base = base;
    this.host = base.host;
    this.#transport = new Transport(settings);
    this.#auth = new Authenticator(this.#transport, credentials);
    this.#scope = scope;
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  /** A successful answer, or one that the caller expects. Throws REGISTRY_*, LOGIN_REFUSED. */
  async request(request: SessionRequest): Promise<RegistryResponse> {
    const attempts = request.attempts ?? ATTEMPTS;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#authorized(request).catch((error: unknown) => {
        if (!registryUnreachable.is(error) || attempt >= attempts || isHopeless(error.params['detail'])) throw error;
        return undefined;
      });
      if (outcome && !(isTransient(outcome.status) && attempt < attempts)) return this.#accept(request, outcome);
      outcome?.body.resume();
      await pause(waitBefore(attempt, outcome?.headers['retry-after']), request.signal);
    }
  }

  /** The answer to `GET /v2/` with these credentials: what a login is. Returns the token that further logins may use, if the registry gives one. Throws LOGIN_REFUSED. */
  async login(signal: AbortSignal): Promise<string | undefined> {
    const url = new URL('/v2/', this.#base);
    const first = await this.#transport.send({ method: 'GET', url, signal });
    first.body.resume();
    if (first.status < 400) return undefined;
    const challenge = parseChallenge(first.headers['www-authenticate'] ?? '');
    if (first.status !== 401 || !challenge) throw registryRefused({ host: this.host, status: first.status, detail: 'it is no registry of version 2 of the API' });
    this.#auth.accept(challenge, [], undefined);
    const refresh = challenge.scheme === 'bearer' ? (await this.#auth.fetchToken(challenge, [], signal, true)).refresh : undefined;
    const header = await this.#auth.header([], signal);
    const second = await this.#transport.send({ method: 'GET', url, signal, ...(header === undefined ? {} : { headers: { Authorization: header } }) });
    if (second.status === 401 || second.status === 403) throw loginRefused({ host: this.host, detail: (await refusalText(second)) || 'unauthorized' });
    second.body.resume();
    if (second.status >= 400) throw registryRefused({ host: this.host, status: second.status, detail: 'it does not accept the login' });
    return refresh;
  }

  async #authorized(request: SessionRequest): Promise<RegistryResponse> {
    const scopes = [...this.#scopes(), ...(request.scopes ?? [])];
    for (let tries = 0; ; tries += 1) {
      const url = typeof request.path === 'string' ? new URL(this.#base.pathname.replace(/\/$/, '') + request.path, this.#base) : request.path;
      // An upload may be led elsewhere; what is meant for the registry stays with it.
      const header = url.host === this.#base.host ? await this.#auth.header(scopes, request.signal).catch((error: unknown) => this.#deny(error)) : undefined;
      const response = await this.#transport.send({ ...request, url, headers: { ...request.headers, ...(header === undefined ? {} : { Authorization: header }) } });
      const challenge = response.status === 401 ? parseChallenge(response.headers['www-authenticate'] ?? '') : undefined;
      if (response.status !== 401 || tries >= 2 || !this.#auth.accept(challenge, scopes, header)) return response;
      response.body.resume();
    }
  }

  #scopes(): string[] {
    const { repository, action } = this.#scope;
    if (repository === '') return [];
    return [`repository:${repository}:${action === 'push' ? 'pull,push' : action === 'delete' ? 'pull,delete' : 'pull'}`];
  }

  /** A token that is refused is a refused login to whoever gave one, and a missing login to others. */
  #deny(error: unknown): never {
    if (loginRefused.is(error)) throw this.#unauthorized(error);
    throw error;
  }

  async #accept({ expected = [] }: SessionRequest, response: RegistryResponse): Promise<RegistryResponse> {
    if (response.status < 400 || expected.includes(response.status)) return response;
    const detail = await refusalText(response);
    if (response.status === 401 || response.status === 403) throw this.#unauthorized(new Error(detail));
    throw registryRefused({ host: this.host, status: response.status, detail: detail || 'without a reason' });
  }

  #unauthorized(cause: unknown): Error {
    return registryUnauthorized({ host: this.host, repository: this.#scope.repository, action: this.#scope.action }, { cause });
  }
}

/** A name that does not exist, a port where nobody listens, a refused handshake stay so; they are told at once. */
function isHopeless(detail: unknown): boolean {
  return /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|alert|SSL/.test(String(detail));
}
