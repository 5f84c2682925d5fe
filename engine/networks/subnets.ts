import { formatCidr, networkSize, overlaps, parseCidr } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';
import { formatCidr6, overlaps6, parseCidr6 } from './ipv6.ts';
import type { Cidr6 } from './ipv6.ts';

/** Private /16s seldom used by offices, clouds, VPNs, Docker (172.17 and up) or Podman (10.88), then some /20s for crowded hosts. */
const CANDIDATES: readonly Cidr[] = [
  ...Array.from({ length: 24 }, (_, index) => ({ base: 10 * 2 ** 24 + (201 + index) * 2 ** 16, prefix: 16 })),
  ...Array.from({ length: 16 }, (_, index) => ({ base: 192 * 2 ** 24 + 168 * 2 ** 16 + index * networkSize(20), prefix: 20 })),
];

/** Where an engine begins to look, so that engines with other names start apart. */
export function firstCandidate(instance: string): number {
  if (instance === 'berth') return 0;
  return [...instance].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 24, 0);
}

/** The first private network that overlaps none of `taken`; `undefined` when all do. */
export function chooseSubnet(taken: readonly Cidr[], start = 0): Cidr | undefined {
  const order = CANDIDATES.map((_, index) => CANDIDATES[(index + start) % CANDIDATES.length]);
  return order.find((candidate) => candidate !== undefined && !taken.some((other) => overlaps(candidate, other)));
}

/** The networks of a host's routes; `default` and the routes of the devices in `except` do not count. */
export function takenByRoutes(routes: readonly { readonly dst: string; readonly dev: string | undefined }[], except: ReadonlySet<string> = new Set()): Cidr[] {
  return routes.flatMap(({ dst, dev }) => {
    const cidr = dev !== undefined && except.has(dev) ? undefined : parseCidr(dst);
    return cidr === undefined || cidr.prefix === 0 ? [] : [cidr];
  });
}

/** What `network` collides with, in words; `undefined` if nothing. */
export function collision(network: Cidr, taken: readonly Cidr[]): string | undefined {
  const other = taken.find((cidr) => overlaps(network, cidr));
  return other && formatCidr(other);
}

/** A unique local IPv6 network (RFC 4193) for a network: the 56 bits behind `fd` are those of its id, which is random. */
export function uniqueLocal(networkId: string): Cidr6 {
  return { base: BigInt(`0xfd${networkId.slice(0, 14)}${'0'.repeat(16)}`), prefix: 64 };
}

/** What an IPv6 network collides with, in words; `undefined` if nothing. */
export function collision6(network: Cidr6, taken: readonly string[]): string | undefined {
  const other = taken.flatMap((text) => parseCidr6(text) ?? []).find((cidr) => cidr.prefix > 0 && overlaps6(network, cidr));
  return other && formatCidr6(other);
}
