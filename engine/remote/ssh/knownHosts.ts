import { createHash, createHmac, randomBytes } from 'node:crypto';
import { matchesPatterns } from './patterns.ts';

/** One line of a known_hosts file that says something. */
export interface KnownHost {
  readonly marker: 'cert-authority' | 'revoked' | undefined;
  /** Patterns, or one `|1|salt|hash`. */
  readonly hosts: string;
  readonly keyType: string;
  /** Base64 of the public key. */
  readonly key: string;
  readonly file: string;
  readonly line: number;
}

/** The lines of a known_hosts file; what is no such line is passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((raw, index) => {
    const words = raw.trim().split(/[ \t]+/);
    const marker = words[0]?.startsWith('@') ? words.shift()?.slice(1) : undefined;
    const [hosts, keyType, key] = words;
    if (hosts === undefined || hosts.startsWith('#') || keyType === undefined || key === undefined) return [];
    if (marker !== undefined && marker !== 'cert-authority' && marker !== 'revoked') return [];
    return [{ marker, hosts, keyType, key, file, line: index + 1 }];
  });
}

/** The name of a host in known_hosts: with the port where it is not 22. */
export function knownName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** The lines that speak of `name`, plain, by pattern or hashed. */
export function linesFor(lines: readonly KnownHost[], name: string): KnownHost[] {
  return lines.filter((line) => (line.hosts.startsWith('|') ? matchesHashed(line.hosts, name) : matchesPatterns(name, line.hosts.toLowerCase().split(','))));
}

function matchesHashed(text: string, name: string): boolean {
  const [, version, salt, hash] = text.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  return hmac(salt, name) === hash;
}

function hmac(salt: string, name: string): string {
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64');
}

export type HostKeyVerdict = { readonly kind: 'known' | 'unknown' } | { readonly kind: 'changed' | 'revoked'; readonly by: KnownHost };

/** What the files say about a key that a host called `name` showed. */
export function judgeHostKey(lines: readonly KnownHost[], name: string, key: Buffer): HostKeyVerdict {
  const encoded = key.toString('base64');
  const own = linesFor(lines, name);
  const revoked = own.find((line) => line.marker === 'revoked' && line.key === encoded);
  if (revoked) return { kind: 'revoked', by: revoked };
  const plain = own.filter((line) => line.marker === undefined);
  if (plain.some((line) => line.key === encoded)) return { kind: 'known' };
  // A key of another type counts as a change too: which type is shown is the server's choice among those that we ask for first.
  const other = plain.find((line) => line.keyType === keyTypeOf(key)) ?? plain[0];
  return other ? { kind: 'changed', by: other } : { kind: 'unknown' };
}

/** The types of the keys that are known for a host: to ask for first, so that it shows one that can be compared. */
export function knownKeyTypes(lines: readonly KnownHost[], name: string): string[] {
  return [...new Set(linesFor(lines, name).filter((line) => line.marker === undefined).map((line) => line.keyType))];
}

/** Whether a certificate authority is named for a host: only OpenSSH's own client can check its certificates. */
export function hasCertificateAuthority(lines: readonly KnownHost[], name: string): boolean {
  return linesFor(lines, name).some((line) => line.marker === 'cert-authority');
}

/** The type that an encoded public key names itself. */
export function keyTypeOf(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}

/** As `ssh-keygen -l` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** A line for known_hosts. */
export function knownHostLine(name: string, key: Buffer, hashed: boolean): string {
  const salt = randomBytes(20).toString('base64');
  return `${hashed ? `|1|${salt}|${hmac(salt, name)}` : name} ${keyTypeOf(key)} ${key.toString('base64')}`;
}
