import { z } from 'zod';
import { basicAuthorization } from './auth.ts';
import type { Challenge, Credentials } from './auth.ts';
import { loginRefused, registryRefused } from './errors.ts';
import { isLoopback } from './hosts.ts';
import { ATTEMPTS, isTransient, pause, waitBefore } from './retry.ts';
import { document, refusalText } from './transport.ts';
import type { RegistryResponse, Transport } from './transport.ts';

const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional(), refresh_token: z.string().optional(), expires_in: z.number().optional() });

/** Seconds that a token holds when the registry does not say, by the specification; and how long before its end it is renewed. */
const DEFAULT_LIFE = 60;
const MARGIN = 10;
const LONGEST_ANSWER = 1024 * 1024;

interface Token {
  readonly value: string;
  readonly refresh: string | undefined;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** Answers the challenges of one registry: Basic as it is, Bearer by tokens that are kept while they hold and got anew when they do not. */
export class Authenticator {
  readonly #transport: Transport;
  readonly #credentials: Credentials | undefined;
  readonly #tokens = new Map<string, Token>();
  #challenge: Challenge | undefined;

  constructor(transport: Transport, credentials: Credentials | undefined) {
    this.#transport = transport;
    this.#credentials = credentials;
  }

  /** The value of the header for a request with these scopes, as far as the registry's wishes are known. */
  async header(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    if (!this.#challenge) return undefined;
    if (this.#challenge.scheme === 'basic') return this.#credentials && 'username' in this.#credentials ? basicAuthorization(this.#credentials) : undefined;
    const key = scopes.join(' ');
    const known = this.#tokens.get(key);
    if (known && known.until > Date.now()) return `Bearer ${known.value}`;
    const token = await this.fetchToken(this.#challenge, scopes, signal);
    this.#tokens.set(key, token);
    return `Bearer ${token.value}`;
  }

  /** Takes a challenge in. False when what it asks for has been tried, so that another attempt is of no use. */
  accept(challenge: Challenge | undefined, scopes: readonly string[], tried: string | undefined): boolean {
    if (!challenge) return false;
    const isNew = this.#challenge === undefined;
    this.#challenge = challenge;
    if (challenge.scheme === 'basic') return tried === undefined && this.#credentials !== undefined && 'username' in this.#credentials;
    const wasKept = this.#tokens.delete(scopes.join(' '));
    return isNew || tried === undefined || wasKept;
  }

  /** Asks the realm for a token, anonymous without credentials. Secrets go to a realm only by TLS, or to this machine. `offline`: also for one to get further tokens with. Throws LOGIN_REFUSED, REGISTRY_REFUSED. */
  async fetchToken({ parameters }: Challenge, scopes: readonly string[], signal: AbortSignal, offline = false): Promise<Token> {
    if (this.#credentials && 'token' in this.#credentials) return { value: this.#credentials.token, refresh: undefined, until: Number.POSITIVE_INFINITY };
    const url = realmOf(parameters['realm']);
    const service = parameters['service'];
    const { identityToken } = { identityToken: undefined, ...this.#credentials };
    const response = await patiently(() => (identityToken === undefined ? this.#byGet(url, service, scopes, offline, signal) : this.#byRefresh(url, service, scopes, identityToken, signal)), signal);
    if (response.status >= 400) {
      const detail = await refusalText(response);
      throw response.status === 401 || response.status === 403 || response.status === 400 ? loginRefused({ host: url.host, detail: detail || `status ${response.status}` }) : registryRefused({ host: url.host, status: response.status, detail: 'no token was given' });
    }
    const answer = tokenSchema.safeParse(parseJson(await document(response, LONGEST_ANSWER, signal)));
    const value = answer.data?.token ?? answer.data?.access_token;
    if (!value) throw registryRefused({ host: url.host, status: response.status, detail: 'no token was given' });
    return { value, refresh: answer.data?.refresh_token, until: Date.now() + Math.max(1, (answer.data?.expires_in ?? DEFAULT_LIFE) - MARGIN) * 1000 };
  }

  #byGet(realm: URL, service: string | undefined, scopes: readonly string[], offline: boolean, signal: AbortSignal): Promise<RegistryResponse> {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    if (offline) url.searchParams.set('offline_token', 'true');
    if (offline) url.searchParams.set('client_id', 'berth');
    const credentials = this.#credentials;
    if (!credentials || !('username' in credentials)) return this.#transport.send({ method: 'GET', url, signal });
    url.searchParams.set('account', credentials.username);
    return this.#transport.send({ method: 'GET', url, signal, headers: { Authorization: basicAuthorization(credentials) } });
  }

  #byRefresh(url: URL, service: string | undefined, scopes: readonly string[], refreshToken: string, signal: AbortSignal): Promise<RegistryResponse> {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'berth', refresh_token: refreshToken, ...(service === undefined ? {} : { service }), ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }) });
    return this.#transport.send({ method: 'POST', url, signal, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: Buffer.from(form.toString()) });
  }
}

/** Who gives tokens may be as busy as the registry. What breaks a connection is tried again with the request that the token is for. */
async function patiently(ask: () => Promise<RegistryResponse>, signal: AbortSignal): Promise<RegistryResponse> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await ask();
    if (!isTransient(response.status) || attempt >= ATTEMPTS) return response;
    response.body.resume();
    await pause(waitBefore(attempt, response.headers['retry-after']), signal);
  }
}

function realmOf(realm: string | undefined): URL {
  const url = URL.parse(realm ?? '');
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.host)))) return url;
  throw registryRefused({ host: url?.host ?? 'that was asked', status: 401, detail: `it asks for a token from "${realm ?? ''}", which is no https address` });
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
}
