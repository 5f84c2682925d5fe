import type { Client, ParsedKey } from 'ssh2';
import { signed } from './identities.ts';
import type { Identity } from './identities.ts';

/** The places where ssh2 has no documented way to do what is needed here. Where they look different, everything works, with more messages. */

type Send = (username: string, key: ParsedKey, algorithm?: string, sign?: (data: Buffer, done: (signature: Buffer) => void) => void) => unknown;

/**
 * ssh2 asks a server about each key before it signs with it, which costs a round trip. Where the private key lies open the signature goes with
 * the first message instead. A key that an agent holds is still asked about first, as its owner may have to touch something for a signature.
 */
export function signAtOnce(client: Client, identities: readonly Identity[]): void {
  const protocol = part(client, '_protocol');
  const ask: unknown = protocol && Reflect.get(protocol, 'authPK');
  if (!protocol || typeof ask !== 'function') return;
  const send: Send = (username, key, algorithm, sign) => {
    const identity = identities.find((one) => one.open !== undefined && one.key === key);
    const open = identity?.open;
    const hash = algorithm?.startsWith('rsa-sha2-') ? `sha${algorithm.slice('rsa-sha2-'.length)}` : algorithm === 'ssh-rsa' ? 'sha1' : undefined;
    const direct = open ? (data: Buffer, done: (signature: Buffer) => void): void => done(signed(open, data, hash)) : undefined;
    return Reflect.apply(ask, protocol, [username, key, algorithm, sign ?? direct]) as unknown;
  };
  Reflect.set(protocol, 'authPK', send);
}

/** Calls `heard` with each refusal before ssh2 acts on it: which methods the server allows now, and whether what it refuses was a part of what it wants. */
export function hearRefusals(client: Client, heard: (allowed: readonly string[], partial: boolean) => void): void {
  const protocol = part(client, '_protocol');
  const handlers = protocol && part(protocol, '_handlers');
  const refused: unknown = handlers && Reflect.get(handlers, 'USERAUTH_FAILURE');
  if (!handlers || typeof refused !== 'function') return;
  Reflect.set(handlers, 'USERAUTH_FAILURE', (...message: readonly unknown[]) => {
    const [, allowed, partial] = message;
    if (Array.isArray(allowed)) heard(allowed.map(String), partial === true);
    Reflect.apply(refused, handlers, message);
  });
}

/**
 * ssh2 waits until the server has agreed to log somebody in before it sends the first key. The server answers in order, so both can go at once,
 * which saves a round trip. Not for an RSA key first: its algorithm depends on what the server says in the meantime.
 */
export function logInAtOnce(client: Client, first: Identity | undefined): void {
  const protocol = part(client, '_protocol');
  const handlers = protocol && part(protocol, '_handlers');
  const service: unknown = protocol && Reflect.get(protocol, 'service');
  const accepted: unknown = handlers && Reflect.get(handlers, 'SERVICE_ACCEPT');
  if (!protocol || !handlers || typeof service !== 'function' || typeof accepted !== 'function' || !first || first.key.type === 'ssh-rsa') return;
  Reflect.set(protocol, 'service', (name: unknown) => {
    Reflect.apply(service, protocol, [name]);
    Reflect.set(handlers, 'SERVICE_ACCEPT', () => undefined);
    Reflect.apply(accepted, handlers, [protocol, name]);
  });
}

function part(whole: object, name: string): object | undefined {
  const found: unknown = Reflect.get(whole, name);
  return typeof found === 'object' && found !== null ? found : undefined;
}
