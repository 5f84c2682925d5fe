import { z } from 'zod';
import { badRequest } from '../base/errors.ts';

/** A user's name and password; a token that the client has already got; or one that only serves to get such tokens. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly token: string } | { readonly identityToken: string };

const authSchema = z.looseObject({ username: z.string().optional(), password: z.string().optional(), auth: z.string().optional(), registrytoken: z.string().optional(), identitytoken: z.string().optional() });

/** Docker's entries of credentials by registry, as its clients send them along with what may need any of them (`X-Registry-Config`). */
export type RegistryAuths = Readonly<Record<string, z.infer<typeof authSchema>>>;

export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

/** Docker's `X-Registry-Auth` header (base64url of JSON) as credentials; nothing in it, or nothing usable, is no credentials. */
export function parseRegistryAuth(header: string | undefined): Credentials | undefined {
  if (!header) return undefined;
  try {
    return toCredentials(authSchema.parse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))));
  } catch {
    return undefined;
  }
}

/** Docker's `X-Registry-Config` header (base64url of JSON); nothing in it is no credentials. Throws BAD_REQUEST, which shows nothing of it. */
export function parseRegistryConfig(header: string | readonly string[] | undefined): RegistryAuths | undefined {
  const text = typeof header === 'string' ? Buffer.from(header, 'base64url').toString('utf8') : '';
  if (text === '') return undefined;
  try {
    return z.record(z.string(), authSchema).parse(JSON.parse(text));
  } catch {
    throw badRequest({ what: 'X-Registry-Config', detail: 'it is not a base64url text of JSON, credentials by registry' });
  }
}

/** One entry of Docker's forms of credentials; nothing usable is no credentials. */
export function toCredentials({ username, password, auth, registrytoken, identitytoken }: z.infer<typeof authSchema>): Credentials | undefined {
  if (registrytoken) return { token: registrytoken };
  if (identitytoken) return { identityToken: identitytoken };
  if (username && password) return { username, password };
  const [user, ...rest] = Buffer.from(auth ?? '', 'base64').toString('utf8').split(':');
  return user && rest.length > 0 ? { username: user, password: rest.join(':') } : undefined;
}

/** The value of `Authorization: Basic`. */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A `WWW-Authenticate` header. It may offer several ways: Bearer if it is among them, else Basic. */
export function parseChallenge(header: string): Challenge | undefined {
  const offers = header.trim().split(/,\s*(?=[a-z]+(?:\s+[a-z_]+=|\s*(?:,|$)))/i).map((offer) => /^(basic|bearer)(?:\s+(.*))?$/is.exec(offer));
  const match = offers.find((offer) => offer?.[1]?.toLowerCase() === 'bearer') ?? offers.find((offer) => offer !== null);
  if (!match) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key, quoted, plain] of (match[2] ?? '').matchAll(/([a-z_]+)=(?:"([^"]*)"|([^,\s]*))/gi)) if (key !== undefined) parameters[key.toLowerCase()] = quoted ?? plain ?? '';
  return { scheme: match[1]?.toLowerCase() === 'basic' ? 'basic' : 'bearer', parameters };
}
