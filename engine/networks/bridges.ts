import { formatAddress, macOf, parseAddress, parseCidr, requireCidr } from './ipv4.ts';
import { AddressPool } from './addressPool.ts';
import { addressTaken, addressesExhausted, subnetTaken } from './errors.ts';
import type { Leg } from './namespaces.ts';
import { newVethName } from './namespaces.ts';
import type { NetworkRecord } from './networkStore.ts';
import { chooseSubnet, collision, takenByRoutes } from './subnets.ts';
import { allowLoopbackSource } from '../host/ipForwarding.ts';
import { ipBatch, listRoutes } from '../host/ip.ts';
import type { HostRoute } from '../host/ip.ts';

/** The name of the default network's bridge. */
export function bridgeName(instance: string): string {
  return instance === 'berth' ? 'berth0' : `br-${instance}`;
}

/** Makes a network's bridge as it should be; fine if some or all of it is there. */
export async function ensureBridge(record: NetworkRecord, mtu: number): Promise<void> {
  const prefix = requireCidr(record.subnet).prefix;
  // Left to itself a bridge has the address of one of its ports: when that port goes, all others look for their gateway where it no longer is.
  const mac = macOf(parseAddress(record.gateway) ?? 0);
  // "File exists" is no failure; what matters is checked by the last, unforced, batch.
  await ipBatch([`link add name ${record.bridge} mtu ${mtu} type bridge`, `addr add ${record.gateway}/${prefix} broadcast + dev ${record.bridge}`], { force: true });
  await ipBatch([`addr replace ${record.gateway}/${prefix} broadcast + dev ${record.bridge}`, `link set dev ${record.bridge} address ${mac} up`]);
  await allowLoopbackSource(record.bridge);
}

export async function removeBridge(bridge: string): Promise<void> {
  await ipBatch([`link del ${bridge}`], { force: true });
}

export interface SubnetChoice {
  readonly subnet: string;
  readonly gateway: string;
}

/** A free subnet and its first address as the gateway; or the wanted one, if nothing overlaps it. Throws SUBNET_TAKEN. */
export async function pickSubnet(others: readonly NetworkRecord[], start: number, wanted?: string): Promise<SubnetChoice> {
  const taken = takenOnHost(await listRoutes(), others);
  const chosen = wanted === undefined ? chooseSubnet(taken, start) : requireCidr(wanted);
  if (!chosen) throw subnetTaken({ subnet: 'every private network Berth knows', by: 'networks in use on this host' });
  const hit = collision(chosen, taken);
  if (hit !== undefined) throw subnetTaken({ subnet: `${formatAddress(chosen.base)}/${chosen.prefix}`, by: hit });
  return { subnet: `${formatAddress(chosen.base)}/${chosen.prefix}`, gateway: formatAddress(chosen.base + 1) };
}

/** Whether another device of the host has a route that overlaps this network's. */
export function collidesWithHost(record: NetworkRecord, routes: readonly HostRoute[]): boolean {
  return collision(requireCidr(record.subnet), takenByRoutes(routes, new Set([record.bridge]))) !== undefined;
}

function takenOnHost(routes: readonly HostRoute[], others: readonly NetworkRecord[]): ReturnType<typeof takenByRoutes> {
  return [...takenByRoutes(routes), ...others.flatMap(({ subnet }) => parseCidr(subnet) ?? [])];
}

/** The addresses of each bridge network, and new legs into it. */
export class AddressBook {
  readonly #pools = new Map<string, AddressPool>();

  /** Begins with nothing but the gateway taken. */
  open(record: NetworkRecord): void {
    this.#pools.set(record.id, new AddressPool(requireCidr(record.subnet), record.gateway));
  }

  close(networkId: string): void {
    this.#pools.delete(networkId);
  }

  /** Marks an address as taken; false if it is not free. */
  reserve(networkId: string, ip: string): boolean {
    return this.#pools.get(networkId)?.reserve(ip) ?? false;
  }

  giveBack(networkId: string, ip: string): void {
    this.#pools.get(networkId)?.giveBack(ip);
  }

  /** A leg with an address of its own. Throws ADDRESSES_EXHAUSTED, ADDRESS_TAKEN. */
  newLeg(record: NetworkRecord, mtu: number, wish: { readonly ip?: string; readonly mac?: string; readonly device?: string } = {}): Leg {
    const ip = wish.ip === undefined ? this.#pools.get(record.id)?.take() : wish.ip;
    if (ip === undefined) throw addressesExhausted({ network: record.name, subnet: record.subnet });
    if (wish.ip !== undefined && !this.reserve(record.id, ip)) throw addressTaken({ address: ip, network: record.name });
    return {
      veth: newVethName(),
      device: wish.device ?? 'eth0',
      bridge: record.bridge,
      ip,
      prefix: requireCidr(record.subnet).prefix,
      gateway: record.internal || (wish.device ?? 'eth0') !== 'eth0' ? '' : record.gateway,
      mac: wish.mac ?? macOf(parseAddress(ip) ?? 0),
      mtu,
    };
  }
}
