import type { EngineConfig } from '../base/config.ts';
import type { Log } from '../base/log.ts';
import type { PassedBridge } from '../host/ipForwarding.ts';
import { AttachmentStore } from './attachmentStore.ts';
import type { Attachment } from './attachmentStore.ts';
import { AddressBook } from './bridges.ts';
import { NetworkNames } from './dns/networkNames.ts';
import { Firewall } from './firewall.ts';
import { Namespaces } from './namespaces.ts';
import { NetworkStore } from './networkStore.ts';
import type { NetworkRecord } from './networkStore.ts';
import { keeperBinder } from './keeperBinder.ts';
import { engineBinder } from './portHold.ts';
import { PortPublisher } from './portPublisher.ts';
import { isIPv4 } from 'node:net';
import { containerServers, hostServers } from './resolvConf.ts';
import type { Forward, RulesetNetwork } from './ruleset.ts';

/** The network containers join unless they say otherwise; Docker's name for it. */
export const DEFAULT_NETWORK = 'bridge';

/** What the networks of one engine consist of; shared by the service's own files, by nobody else. */
export interface NetworkParts {
  readonly config: EngineConfig;
  readonly log: Log;
  readonly store: NetworkStore;
  readonly attachments: AttachmentStore;
  readonly addresses: AddressBook;
  readonly namespaces: Namespaces;
  readonly firewall: Firewall;
  readonly publisher: PortPublisher;
  readonly names: NetworkNames;
  /** The MTU of new links; known after `prepareNetworks`. */
  mtu: number;
}

export function networkParts(config: EngineConfig, log: Log): NetworkParts {
  const firewall = new Firewall(config.instance);
  const attachments = new AttachmentStore(config.runRoot, log);
  return {
    config,
    log,
    store: new NetworkStore(config.dataRoot, log),
    attachments,
    addresses: new AddressBook(),
    namespaces: new Namespaces(config.instance),
    firewall,
    publisher: new PortPublisher(firewall, config.keeper === undefined ? engineBinder : keeperBinder(config.keeper), log),
    names: new NetworkNames({ log, attachments: () => attachments.list(), servers: hostServers }),
    mtu: 1500,
  };
}

export function bridgeNetworks(parts: NetworkParts): NetworkRecord[] {
  return parts.store.list().filter(({ driver }) => driver === 'bridge');
}

/** Whether containers have names in a network: in those that users make. */
export function hasNames({ driver, name }: NetworkRecord): boolean {
  return driver === 'bridge' && name !== DEFAULT_NETWORK;
}

export function passedBridge(record: NetworkRecord): PassedBridge {
  return { bridge: record.bridge, ...(hasNames(record) ? { gateway: record.gateway } : {}) };
}

/** Writes the nft table for the networks there are, and where their names are asked for. */
export async function writeNetworks(parts: NetworkParts): Promise<void> {
  const [upstream] = containerServers();
  const networks = bridgeNetworks(parts).map((record): RulesetNetwork => {
    const port = parts.names.portOf(record.id);
    if (port === undefined) return record;
    return { ...record, names: { address: record.gateway, port, ...(record.internal || upstream === undefined ? {} : { upstream }) } };
  });
  await parts.firewall.setNetworks(networks);
}

/** The kernel's share of a container's published ports (IPv6 is passed on by the engine). */
export function forwardsOf({ legs, ports }: Attachment): Forward[] {
  const ip = legs[0]?.ip;
  return ip === undefined ? [] : ports.filter(({ hostIp }) => isIPv4(hostIp)).map((port) => ({ ...port, ip }));
}
