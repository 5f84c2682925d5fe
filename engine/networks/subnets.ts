import { formatCidr, networkSize, overlaps, parseCidr } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';

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
