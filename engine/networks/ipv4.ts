import { badRequest } from '../base/errors.ts';

/** IPv4 arithmetic on plain numbers (0 to 2³²−1). */

export interface Cidr {
  /** The network's first address. */
  readonly base: number;
  readonly prefix: number;
}

export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

/** Addresses in a network of this prefix. */
export function networkSize(prefix: number): number {
  return 2 ** (32 - prefix);
}

/** `10.1.2.3/16` as its network, 10.1.0.0/16; a bare address is a /32; anything else is `undefined`. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '32'] = text.split('/');
  const value = parseAddress(address);
  const prefix = Number(length);
  if (value === undefined || !/^\d{1,2}$/.test(length) || prefix > 32) return undefined;
  return { base: value - (value % networkSize(prefix)), prefix };
}

/** As `parseCidr`; throws BAD_REQUEST. */
export function requireCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw badRequest({ what: 'subnet', detail: `"${text}" is not an IPv4 network such as 10.20.0.0/16` });
  return cidr;
}

export function formatCidr({ base, prefix }: Cidr): string {
  return `${formatAddress(base)}/${prefix}`;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.base < b.base + networkSize(b.prefix) && b.base < a.base + networkSize(a.prefix);
}

export function contains(network: Cidr, address: number): boolean {
  return address >= network.base && address < network.base + networkSize(network.prefix);
}

/** Whether a text is a MAC address of one device, and nothing but that: it becomes part of a command. */
export function isMac(text: string): boolean {
  return /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(text);
}

/** Docker's rule: 02:42 and the address, so an address always has the same MAC and no neighbour's ARP entry goes stale. */
export function macOf(address: number): string {
  return ['02', '42', ...[24, 16, 8, 0].map((shift) => ((address >>> shift) & 255).toString(16).padStart(2, '0'))].join(':');
}
