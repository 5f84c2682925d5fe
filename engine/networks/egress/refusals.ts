import type { NftElement } from '../../host/nft.ts';
import { canonicalAddress } from '../ipv6.ts';

/** Packets that were refused since the last look. */
export interface RefusedPackets {
  readonly bridge: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly port: number | undefined;
  readonly count: number;
}

/** Tells what is new in the kernel's counters, which only ever grow, or begin anew. Pure but for what it remembers. */
export class RefusalCounts {
  #seen = new Map<string, number>();

  news(elements: readonly NftElement[]): RefusedPackets[] {
    const before = this.#seen;
    this.#seen = new Map(elements.map((element) => [keyOf(element), element.packets]));
    return elements.flatMap((element) => {
      const known = before.get(keyOf(element)) ?? 0;
      // Fewer than before: it was forgotten meanwhile, and met again.
      const count = element.packets < known ? element.packets : element.packets - known;
      const [bridge = '', source = '', destination = '', protocol = '', port] = element.key;
      return count === 0 ? [] : [{ bridge, source: canonicalAddress(source), destination: canonicalAddress(destination), protocol: nameOf(protocol), port: port === undefined ? undefined : Number(port), count }];
    });
  }

  /** All counters begin anew. */
  forget(): void {
    this.#seen = new Map();
  }
}

function keyOf({ set, key }: NftElement): string {
  return `${set} ${key.join(' ')}`;
}

/** nft names the protocols that this host's /etc/protocols knows. */
function nameOf(protocol: string): string {
  return { '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'ipv6-icmp' }[protocol] ?? protocol;
}
