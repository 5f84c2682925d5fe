import { AddressPool } from './addressPool.ts';
import { addressTaken, addressesExhausted, noIpv6 } from './errors.ts';
import { macOf, parseAddress, parseCidr, requireCidr } from './ipv4.ts';
import { canonicalAddress, parseCidr6, requireCidr6 } from './ipv6.ts';
import { newVethName } from './namespaces.ts';
import type { Leg } from './namespaces.ts';
import { bridgeOptions } from './networkOptions.ts';
import type { NetworkRecord } from './networkStore.ts';

/** What is wished of a new leg. */
export interface LegWish {
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly mac?: string | undefined;
  readonly device?: string | undefined;
  /** Whether the default route of a family leads through it. */
  readonly way: { readonly four: boolean; readonly six: boolean };
}

interface Pools {
  readonly four: AddressPool;
  readonly six: AddressPool | undefined;
}

/** The addresses of each bridge network, and new legs into it. */
export class AddressBook {
  readonly #pools = new Map<string, Pools>();

  /** Begins with nothing but the gateways and the addresses of others taken. */
  open(record: NetworkRecord): void {
    const others = Object.values(record.aux);
    const [range, range6] = [parseCidr(record.range), parseCidr6(record.range6)];
    this.#pools.set(record.id, {
      four: AddressPool.four(requireCidr(record.subnet), { taken: [record.gateway, ...others], ...(record.range !== '' && range ? { range } : {}) }),
      six: record.subnet6 === '' ? undefined : AddressPool.six(requireCidr6(record.subnet6), { taken: [record.gateway6, ...others], ...(range6 ? { range: range6 } : {}) }),
    });
  }

  close(networkId: string): void {
    this.#pools.delete(networkId);
  }

  /** Marks the addresses of a leg as taken. */
  reserve(networkId: string, { ip, ip6 }: Pick<Leg, 'ip' | 'ip6'>): void {
    this.#pools.get(networkId)?.four.reserve(ip);
    this.#pools.get(networkId)?.six?.reserve(ip6);
  }

  giveBack(networkId: string, { ip, ip6 }: Pick<Leg, 'ip' | 'ip6'>): void {
    this.#pools.get(networkId)?.four.giveBack(ip);
    this.#pools.get(networkId)?.six?.giveBack(ip6);
  }

  /** A leg with addresses of its own. Throws ADDRESSES_EXHAUSTED, ADDRESS_TAKEN, NETWORK_WITHOUT_IPV6. */
  newLeg(record: NetworkRecord, mtu: number, wish: LegWish): Leg {
    const pools = this.#pools.get(record.id);
    if (wish.ip6 !== undefined && !pools?.six) throw noIpv6({ network: record.name, address: wish.ip6 });
    const ip = choose(pools?.four, record, wish.ip, record.subnet);
    const options = bridgeOptions(record.options);
    try {
      const ip6 = pools?.six ? choose(pools.six, record, wish.ip6 && canonicalAddress(wish.ip6), record.subnet6) : '';
      return {
        veth: newVethName(),
        device: wish.device ?? `${options.devicePrefix}0`,
        bridge: record.bridge,
        ip,
        prefix: requireCidr(record.subnet).prefix,
        gateway: wish.way.four ? record.gateway : '',
        ip6,
        prefix6: ip6 === '' ? 0 : requireCidr6(record.subnet6).prefix,
        gateway6: ip6 !== '' && wish.way.six ? record.gateway6 : '',
        mac: wish.mac ?? macOf(parseAddress(ip) ?? 0),
        mtu: options.mtu ?? mtu,
        isolated: !options.icc,
      };
    } catch (error) {
      pools?.four.giveBack(ip);
      throw error;
    }
  }
}

function choose(pool: AddressPool | undefined, record: NetworkRecord, wished: string | undefined, subnet: string): string {
  const address = wished ?? pool?.take();
  if (address === undefined) throw addressesExhausted({ network: record.name, subnet });
  if (wished !== undefined && !pool?.reserve(wished)) throw addressTaken({ address: wished, network: record.name });
  return address;
}
