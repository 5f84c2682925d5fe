import { z } from 'zod';
import { registryRefused, registryUnreachable, registryUnauthorized } from './errors.ts';
import { isLoopback, reasonOf } from './hosts.ts';
import type { Reference } from './reference.ts';

/** A user's name and password, or a token that the client has already got. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly token: string };

export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() });

const authSchema = z.looseObject({ username: z.string().optional(), password: z.string().optional(), auth: z.string().optional(), registrytoken: z.string().optional() });

/** Docker's `X-Registry-Auth` header (base64url of JSON) as credentials; nothing in it, or nothing usable, is no credentials. */
export function parseRegistryAuth(header: string | undefined): Credentials | undefined {
  if (!header) return undefined;
  try {
    const { username, password, auth, registrytoken } = authSchema.parse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
    if (registrytoken) return { token: registrytoken };
    if (username && password) return { username, password };
    const [user, ...rest] = Buffer.from(auth ?? '', 'base64').toString('utf8').split(':');
    return user && rest.length > 0 ? { username: user, password: rest.join(':') } : undefined;
  } catch {
    return undefined;
  }
}

/** The value of `Authorization: Basic`. */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A `WWW-Authenticate` header. */
export function parseChallenge(header: string): Challenge | undefined {
  const match = /^(basic|bearer)\s*(.*)$/i.exec(header.trim());
  if (!match) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key, quoted, plain] of (match[2] ?? '').matchAll(/([a-z_]+)=(?:"([^"]*)"|([^,\s]*))/gi)) if (key !== undefined) parameters[key.toLowerCase()] = quoted ?? plain ?? '';
  return { scheme: match[1]?.toLowerCase() === 'basic' ? 'basic' : 'bearer', parameters };
}

/** A token for pulling from the repository, anonymous without credentials. Passwords go to a realm only by TLS, or to this machine. */
export async function bearerToken({ parameters }: Challenge, reference: Reference, credentials: Credentials | undefined, signal: AbortSignal): Promise<string> {
  if (credentials && 'token' in credentials) return credentials.token;
  const url = realmOf(parameters['realm'], reference);
  if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service']);
  url.searchParams.set('scope', parameters['scope'] ?? `repository:${reference.path}:pull`);
  let response: Response;
  try {
    response = await fetch(url, { signal, ...(credentials ? { headers: { Authorization: basicAuthorization(credentials) } } : {}) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw registryUnreachable({ host: url.host, detail: reasonOf(error) }, { cause: error });
  }
  if (response.status === 401 || response.status === 403) throw registryUnauthorized({ host: reference.domain, repository: reference.familiarName });
  const answer = tokenSchema.safeParse(await response.json().catch(() => undefined));
  const token = answer.data?.token ?? answer.data?.access_token;
  if (!response.ok || !token) throw registryRefused({ host: url.host, status: response.status, detail: 'no token was given' });
  return token;
}

function realmOf(realm: string | undefined, { domain }: Reference): URL {
  const url = URL.parse(realm ?? '');
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.host)))) return url;
  throw registryRefused({ host: domain, status: 401, detail: `it asks for a token from "${realm ?? ''}", which is no https address` });
}
