import { newId } from '../base/ids.ts';
import { listBridgePorts, listRoutes, uplinkMtu } from '../host/ip.ts';
import { enableForwarding, passIptables, unpassIptables } from '../host/ipForwarding.ts';
import { forgetInFirewalld, trustInFirewalld } from '../host/firewalld.ts';
import { bridgeName, collidesWithHost, ensureBridge, pickSubnet, removeBridge, strayBridges } from './bridges.ts';
import type { NetworkRecord } from './networkStore.ts';
import { DEFAULT_NETWORK, bridgeNetworks, hasNames, bridgeSettings, passedBridge, writeNetworks } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import { formatCidr, parseCidr } from './ipv4.ts';
import { forwardsOf } from './portPublisher.ts';
import { firstCandidate } from './subnets.ts';

/**
 * Makes the kernel agree with the records: bridges, the nft table, the namespaces containers hold. What no record knows
 * (an engine was killed) is removed. Run once, before anything else of this folder.
 */
export async function prepareNetworks(parts: NetworkParts): Promise<void> {
  await parts.store.load();
  await parts.attachments.load();
  await dropVanished(parts);
  await ensureRecords(parts);
  const routes = await listRoutes();
  parts.mtu = await uplinkMtu(routes);
  await enableForwarding();
  for (const record of bridgeNetworks(parts)) {
    await ensureBridge(record, bridgeSettings(parts, record));
    parts.addresses.open(record);
    if (hasNames(record)) await parts.names.open(record);
  }
  for (const { legs } of parts.attachments.list()) for (const leg of legs) parts.addresses.reserve(leg.networkId, leg);
  await removeStrays(parts);
  for (const attachment of parts.attachments.list()) parts.firewall.remember(forwardsOf(attachment));
  await parts.egress.load();
  await writeNetworks(parts);
  await passForward(parts);
  await parts.publisher.keepOnly(parts.attachments.list().flatMap(({ ports }) => ports));
  for (const attachment of parts.attachments.list()) if (attachment.legs[0]) await parts.publisher.resume(attachment.containerId, attachment);
}

/** See `passIptables` and `trustInFirewalld`; asked again now and then, because dockerd and firewalld may start after Berth. */
export async function passForward(parts: NetworkParts): Promise<void> {
  const bridges = bridgeNetworks(parts);
  await passIptables(bridges.map(passedBridge));
  // An ordinary user's bridges are none of the host's.
  if (parts.config.keeper === undefined) await trustInFirewalld(bridges.map(({ bridge }) => bridge));
}

/** Takes back what `passForward` did for these. */
export async function unpassForward(parts: NetworkParts, records: readonly NetworkRecord[]): Promise<void> {
  await unpassIptables(records.map(passedBridge));
  if (parts.config.keeper === undefined) await forgetInFirewalld(records.map(({ bridge }) => bridge));
}

/** Forgets attachments whose namespace is gone: the host was restarted. */
async function dropVanished(parts: NetworkParts): Promise<void> {
  const existing = new Set(await parts.namespaces.list());
  for (const { containerId, netns } of parts.attachments.list()) if (!existing.has(netns)) await parts.attachments.remove(containerId);
}

async function ensureRecords(parts: NetworkParts): Promise<void> {
  const { store } = parts;
  const known = store.byName(DEFAULT_NETWORK) ?? (await recoverDefault(parts));
  if (!known || (parts.attachments.list().length === 0 && collidesWithHost(known, await listRoutes()))) {
    if (known) parts.log.warn('another network of this host took the subnet of the default network: choosing a new one', { subnet: known.subnet });
    const bridge = bridgeName(parts.config.instance);
    await removeBridge(bridge);
    const others = store.list().filter(({ name }) => name !== DEFAULT_NETWORK);
    await store.save({ ...plainRecord(DEFAULT_NETWORK, 'bridge'), ...known, bridge, ...(await pickSubnet(others, firstCandidate(parts.config.instance))) });
  }
  if (!store.byName('host')) await store.save(plainRecord('host', 'host'));
  if (!store.byName('none')) await store.save(plainRecord('none', 'null'));
}

/** The record of the default network was damaged, and containers are in it: they say what it is, and stay connected. */
async function recoverDefault(parts: NetworkParts): Promise<NetworkRecord | undefined> {
  const leg = parts.attachments.list().flatMap(({ legs }) => legs).find(({ networkName, gateway }) => networkName === DEFAULT_NETWORK && gateway !== '');
  const cidr = leg && parseCidr(`${leg.gateway}/${leg.prefix}`);
  if (!leg || !cidr) return undefined;
  const record = { ...plainRecord(DEFAULT_NETWORK, 'bridge'), id: leg.networkId, bridge: bridgeName(parts.config.instance), subnet: formatCidr(cidr), gateway: leg.gateway };
  await parts.store.save(record);
  return record;
}

/** A network's record with nothing special about it. */
export function plainRecord(name: string, driver: NetworkRecord['driver']): NetworkRecord {
  return { id: newId(), name, driver, bridge: '', subnet: '', gateway: '', subnet6: '', gateway6: '', range: '', range6: '', aux: {}, attachable: false, internal: false, created: new Date().toISOString(), labels: {}, options: {} };
}

async function removeStrays(parts: NetworkParts): Promise<void> {
  const attachments = parts.attachments.list();
  const held = new Set(attachments.map(({ netns }) => netns));
  const wanted = new Set(attachments.flatMap(({ legs }) => legs.map(({ veth }) => veth)));
  const names = (await parts.namespaces.list()).filter((name) => !held.has(name));
  await parts.namespaces.destroy(names.map((name) => ({ name, legs: [] })));
  for (const bridge of await strayBridges(parts.config.dataRoot, bridgeNetworks(parts))) await removeBridge(bridge);
  for (const { bridge } of bridgeNetworks(parts)) {
    const veths = (await listBridgePorts(bridge)).filter((veth) => !wanted.has(veth));
    await parts.namespaces.removeLegs(veths.map((veth) => ({ veth })));
  }
}

/** The opposite of `prepareNetworks`: bridges, the table and every namespace of this instance go; the records stay. */
export async function removeKernelParts(parts: NetworkParts): Promise<void> {
  await parts.namespaces.destroy((await parts.namespaces.list()).map((name) => ({ name, legs: [] })));
  for (const { bridge } of bridgeNetworks(parts)) await removeBridge(bridge);
  await unpassForward(parts, bridgeNetworks(parts));
  await parts.firewall.removeTable();
}
