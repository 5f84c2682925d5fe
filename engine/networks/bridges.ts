import { badRequest } from '../base/errors.ts';
import { formatAddress, formatCidr, macOf, parseAddress, parseCidr, requireCidr } from './ipv4.ts';
import { formatAddress6, formatCidr6, requireCidr6 } from './ipv6.ts';
import { subnetTaken } from './errors.ts';
import type { NetworkRecord } from './networkStore.ts';
import { chooseSubnet, collision, collision6, takenByRoutes, uniqueLocal } from './subnets.ts';
import { disableBridge6, enableForwarding6, prepareBridge4, prepareBridge6 } from '../host/ipForwarding.ts';
import { ipBatch, listBridgePorts, listBridges, listRoutes } from '../host/ip.ts';
import type { HostRoute } from '../host/ip.ts';

/** The name of the default network's bridge. */
export function bridgeName(instance: string): string {
  return instance === 'berth' ? 'berth0' : `br-${instance}`;
}

/** What a bridge says of whose it is: the engine whose data is there. A kernel keeps up to 255 bytes; a path that does not fit is left out. */
export function bridgeMark(dataRoot: string): string {
  const mark = `berth:${dataRoot}`;
  return Buffer.byteLength(mark) <= 255 && !/["'\\\s]/.test(mark) ? mark : '';
}

/** Makes a network's bridge as it should be; fine if some or all of it is there. */
export async function ensureBridge(record: NetworkRecord, { mtu, dataRoot }: { readonly mtu: number; readonly dataRoot: string }): Promise<void> {
  const { bridge } = record;
  const prefix = requireCidr(record.subnet).prefix;
  // Left to itself a bridge has the address of one of its ports: when that port goes, all others look for their gateway where it no longer is.
  const mac = macOf(parseAddress(record.gateway) ?? 0);
  // "File exists" is no failure; what matters is checked by the last, unforced, batch.
  await ipBatch([`link add name ${bridge} mtu ${mtu} type bridge`, `addr add ${record.gateway}/${prefix} broadcast + dev ${bridge}`], { force: true });
  if (record.subnet6 !== '') {
    await enableForwarding6();
    await prepareBridge6(bridge);
  } else await disableBridge6(bridge);
  await ipBatch([`addr replace ${record.gateway}/${prefix} broadcast + dev ${bridge}`, ...addresses6(record), `link set dev ${bridge} address ${mac} up`, ...markOf(bridge, dataRoot)]);
  await prepareBridge4(bridge);
}

/** A bridge that forwards asks its neighbours from a link-local address: it has one that does not depend on the ports it has. */
function addresses6({ subnet6, gateway6, bridge }: NetworkRecord): string[] {
  return subnet6 === '' ? [] : [`addr replace ${gateway6}/${requireCidr6(subnet6).prefix} dev ${bridge} nodad`, `addr replace fe80::1/64 dev ${bridge} nodad`];
}

function markOf(bridge: string, dataRoot: string): string[] {
  const mark = bridgeMark(dataRoot);
  return mark === '' ? [] : [`link set dev ${bridge} alias ${mark}`];
}

/** Bridges of this engine that no record names and no container is in: an engine was killed between the one and the other, or a record was lost. */
export async function strayBridges(dataRoot: string, records: readonly NetworkRecord[]): Promise<string[]> {
  const mark = bridgeMark(dataRoot);
  const known = new Set(records.map(({ bridge }) => bridge));
  const found = (await listBridges()).filter(({ name, alias }) => mark !== '' && alias === mark && !known.has(name));
  const ports = await Promise.all(found.map(({ name }) => listBridgePorts(name)));
  return found.filter((_, index) => ports[index]?.length === 0).map(({ name }) => name);
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
  if (chosen.prefix > 30) throw badRequest({ what: 'subnet', detail: `${formatCidr(chosen)} has no room for a gateway and a container` });
  const hit = collision(chosen, taken);
  if (hit !== undefined) throw subnetTaken({ subnet: formatCidr(chosen), by: hit });
  return { subnet: formatCidr(chosen), gateway: formatAddress(chosen.base + 1) };
}

/** The same for IPv6: the wanted one, or one of the network's own. */
export async function pickSubnet6(others: readonly NetworkRecord[], networkId: string, wanted?: string): Promise<SubnetChoice> {
  const chosen = wanted === undefined ? uniqueLocal(networkId) : requireCidr6(wanted);
  if (chosen.prefix > 126) throw badRequest({ what: 'subnet', detail: `${formatCidr6(chosen)} has no room for a gateway and a container` });
  const hit = collision6(chosen, [...(await listRoutes(6)).map(({ dst }) => dst), ...others.map(({ subnet6 }) => subnet6)]);
  if (hit !== undefined) throw subnetTaken({ subnet: formatCidr6(chosen), by: hit });
  return { subnet: formatCidr6(chosen), gateway: formatAddress6(chosen.base + 1n) };
}

/** Whether another device of the host has a route that overlaps this network's. */
export function collidesWithHost(record: NetworkRecord, routes: readonly HostRoute[]): boolean {
  return collision(requireCidr(record.subnet), takenByRoutes(routes, new Set([record.bridge]))) !== undefined;
}

function takenOnHost(routes: readonly HostRoute[], others: readonly NetworkRecord[]): ReturnType<typeof takenByRoutes> {
  return [...takenByRoutes(routes), ...others.flatMap(({ subnet }) => parseCidr(subnet) ?? [])];
}
