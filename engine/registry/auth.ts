import { z } from 'zod';
import { registryRefused, registryUnreachable, registryUnauthorized } from './errors.ts';
import type { Reference } from './reference.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() });

/** Docker's `X-Registry-Auth` header (base64url of JSON) as credentials; nothing in it, or nothing usable, is no credentials. */
export function parseRegistryAuth(header: string | undefined): Credentials | undefined {
  if (!header) return undefined;
  const schema = z.looseObject({ username: z.string().optional(), password: z.string().optional() });
  try {
    const { username, password } = schema.parse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
    return username && password ? { username, password } : undefined;
  } catch {
    return undefined;
  }
}

/** A `WWW-Authenticate` header. */
export function parseChallenge(header: string): Challenge | undefined {
  const match = /^(basic|bearer)\s*(.*)$/i.exec(header.trim());
  if (!match) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key, quoted, plain] of (match[2] ?? '').matchAll(/([a-z_]+)=(?:"([^"]*)"|([^,\s]*))/gi)) if (key !== undefined) parameters[key.toLowerCase()] = quoted ?? plain ?? '';
  return { scheme: match[1]?.toLowerCase() === 'basic' ? 'basic' : 'bearer', parameters };
}

/** A token for pulling from the repository, anonymous without credentials. */
export async function bearerToken({ parameters }: Challenge, reference: Reference, credentials: Credentials | undefined, signal: AbortSignal): Promise<string> {
  const url = new URL(parameters['realm'] ?? '');
  if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service']);
  url.searchParams.set('scope', parameters['scope'] ?? `repository:${reference.path}:pull`);
  const headers = credentials ? { Authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` } : undefined;
  let response: Response;
  try {
    response = await fetch(url, { signal, ...(headers ? { headers } : {}) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw registryUnreachable({ host: url.host, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
  if (response.status === 401 || response.status === 403) throw registryUnauthorized({ host: reference.domain, repository: reference.familiarName });
  if (!response.ok) throw registryRefused({ host: url.host, status: response.status, detail: 'no token was given' });
  const { token, access_token: accessToken } = tokenSchema.parse(await response.json());
  return token ?? accessToken ?? '';
}
