import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import type { HostConfig } from './hostConfig.ts';
import { matchesPattern } from './patterns.ts';

/** What ssh2 can, best first. */
const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'];
const KEX: readonly KexAlgorithm[] = ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group14-sha256', 'diffie-hellman-group16-sha512', 'diffie-hellman-group18-sha512'];
const CIPHERS: readonly CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'];
const MACS: readonly MacAlgorithm[] = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'];

/** The algorithms to offer; `missing` lists options that leave nothing that ssh2 can. Types of key that are known for the host come first. */
export function algorithmsFor(config: HostConfig['algorithms'], knownTypes: readonly string[]): { algorithms: Algorithms; missing: readonly string[] } {
  const hostKeys = chosen(HOST_KEYS, config.hostKey);
  const serverHostKey = config.hostKey === undefined ? knownFirst(hostKeys, knownTypes) : hostKeys;
  const kex = chosen(KEX, config.kex);
  const cipher = chosen(CIPHERS, config.cipher);
  const hmac = chosen(MACS, config.mac);
  const missing = Object.entries({ HostKeyAlgorithms: serverHostKey, KexAlgorithms: kex, Ciphers: cipher, MACs: hmac }).flatMap(([name, list]) => (list.length === 0 ? [name] : []));
  return { algorithms: { serverHostKey, kex, cipher, hmac }, missing };
}

/** `a,b`: these; `+a`: at the end; `-a*`: not these; `^a`: first. */
function chosen<T extends string>(can: readonly T[], said: string | undefined): T[] {
  if (said === undefined) return [...can];
  const names = said.replace(/^[+^-]/, '').split(',');
  const listed = names.flatMap((name) => can.filter((algorithm) => matchesPattern(algorithm, name)));
  if (said.startsWith('-')) return can.filter((algorithm) => !listed.includes(algorithm));
  if (said.startsWith('^')) return [...listed, ...can.filter((algorithm) => !listed.includes(algorithm))];
  if (said.startsWith('+')) return [...can];
  return listed;
}

function knownFirst(list: readonly ServerHostKeyAlgorithm[], knownTypes: readonly string[]): ServerHostKeyAlgorithm[] {
  const known = (algorithm: string): boolean => knownTypes.includes(algorithm.startsWith('rsa-sha2') ? 'ssh-rsa' : algorithm);
  return [...list.filter(known), ...list.filter((algorithm) => !known(algorithm))];
}
