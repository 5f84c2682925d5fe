import { isIPv4, isIPv6 } from 'node:net';
import { badRequest } from '../base/errors.ts';
import { parseAddress } from './ipv4.ts';

/** IPv6 arithmetic on bigints (0 to 2¹²⁸−1). */

export interface Cidr6 {
  /** The network's first address. */
  readonly base: bigint;
  readonly prefix: number;
}

export function parseAddress6(text: string): bigint | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = plainGroups(text).split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array.from({ length: missing }, () => 0n), ...right].reduce((value, group) => (value << 16n) | group, 0n);
}

/** As RFC 5952 writes it: lower case, no leading zeros, the longest run of zeros (the first, of several) as `::`. */
export function formatAddress6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
  const zeros = [...groups.join(':').matchAll(/(?<![0-9a-f])0(?::0(?![0-9a-f]))+/g)].map((match) => match[0]).sort((a, b) => b.length - a.length)[0];
  return zeros === undefined ? groups.join(':') : groups.join(':').replace(new RegExp(`(^|:)${zeros}(:|$)`), '::');
}

/** `fd00::5/64` as its network, fd00::/64; a bare address is a /128; anything else is `undefined`. */
export function parseCidr6(text: string): Cidr6 | undefined {
  const [address = '', length = '128'] = text.split('/');
  const value = parseAddress6(address);
  const prefix = Number(length);
  if (value === undefined || !/^\d{1,3}$/.test(length) || prefix > 128) return undefined;
  return { base: value - (value % networkSize6(prefix)), prefix };
}

/** As `parseCidr6`; throws BAD_REQUEST. */
export function requireCidr6(text: string): Cidr6 {
  const cidr = parseCidr6(text);
  if (!cidr) throw badRequest({ what: 'subnet', detail: `"${text}" is not an IPv6 network such as fd20::/64` });
  return cidr;
}

export function formatCidr6({ base, prefix }: Cidr6): string {
  return `${formatAddress6(base)}/${prefix}`;
}

/** Addresses in a network of this prefix. */
export function networkSize6(prefix: number): bigint {
  return 1n << BigInt(128 - prefix);
}

export function overlaps6(a: Cidr6, b: Cidr6): boolean {
  return a.base < b.base + networkSize6(b.prefix) && b.base < a.base + networkSize6(a.prefix);
}

export function contains6(network: Cidr6, address: bigint): boolean {
  return address >= network.base && address < network.base + networkSize6(network.prefix);
}

/** One spelling for each address, of either family; what is none stays as it is. */
export function canonicalAddress(text: string): string {
  const value = parseAddress6(text);
  return value === undefined ? text : formatAddress6(value);
}

/** An IPv4 tail (`::ffff:1.2.3.4`) as two groups. */
function plainGroups(text: string): string {
  const last = text.slice(text.lastIndexOf(':') + 1);
  if (!isIPv4(last)) return text;
  const value = parseAddress(last) ?? 0;
  return `${text.slice(0, -last.length)}${Math.floor(value / 65536).toString(16)}:${(value % 65536).toString(16)}`;
}

function groupsOf(text: string): bigint[] {
  return text === '' ? [] : text.split(':').map((group) => BigInt(`0x${group}`));
}
