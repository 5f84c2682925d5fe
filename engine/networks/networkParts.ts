import type { EngineConfig } from '../base/config.ts';
import type { EventBus } from '../base/eventBus.ts';
import type { Log } from '../base/log.ts';
import type { PassedBridge } from '../host/ipForwarding.ts';
import { AddressBook } from './addressBook.ts';
import { AttachmentStore } from './attachmentStore.ts';
import { NetworkNames } from './dns/networkNames.ts';
import { EgressControl } from './egress/egressControl.ts';
import { Firewall } from './firewall.ts';
import { bridgeOptions } from './networkOptions.ts';
import { Namespaces } from './namespaces.ts';
import { NetworkStore } from './networkStore.ts';
import type { NetworkRecord } from './networkStore.ts';
import { keeperBinder } from './keeperBinder.ts';
import { engineBinder } from './portHold.ts';
import { PortPublisher } from './portPublisher.ts';
import { containerServers, hostServers } from './resolvConf.ts';
import type { RulesetNetwork } from './ruleset.ts';

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
  readonly egress: EgressControl;
  /** The MTU of new links; known after `prepareNetworks`. */
  mtu: number;
}

export function networkParts(config: EngineConfig, log: Log, events: EventBus): NetworkParts {
  const store = new NetworkStore(config.dataRoot, log);
  const attachments = new AttachmentStore(config.runRoot, log);
  const firewall = new Firewall(config.instance);
  const egress = new EgressControl({ dataRoot: config.dataRoot, log, events, firewall, networks: () => store.list(), attachments: () => attachments.list() });
  firewall.egress = egress;
  return {
    config,
    log,
    store,
    attachments,
    egress,
    addresses: new AddressBook(),
    namespaces: new Namespaces(config.instance),
    firewall,
    publisher: new PortPublisher(firewall, config.keeper === undefined ? engineBinder : keeperBinder(config.keeper), log),
    names: new NetworkNames({ log, attachments: () => attachments.list(), servers: hostServers, network: (id) => store.find(id), egress }),
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
  return { bridge: record.bridge, ...(hasNames(record) ? { gateway: record.gateway } : {}), ...(record.subnet6 === '' ? {} : { six: true }) };
}

/** What a network's bridge is made with, besides what its record says. */
export function bridgeSettings({ mtu, config }: Pick<NetworkParts, 'mtu' | 'config'>, record: NetworkRecord): { readonly mtu: number; readonly dataRoot: string } {
  return { mtu: bridgeOptions(record.options).mtu ?? mtu, dataRoot: config.dataRoot };
}

/** Writes the nft table for the networks there are, and where their names are asked for. */
export async function writeNetworks(parts: NetworkParts): Promise<void> {
  const [upstream] = containerServers();
  await parts.firewall.setNetworks(bridgeNetworks(parts).map((record) => rulesetNetwork(record, parts.names.portOf(record.id), upstream)));
}

function rulesetNetwork(record: NetworkRecord, port: number | undefined, upstream: string | undefined): RulesetNetwork {
  const { icc, masquerade, egress } = bridgeOptions(record.options);
  // Who may not reach everything must not ask others for names either.
  const shut = record.internal || egress !== undefined || upstream === undefined;
  return {
    bridge: record.bridge,
    subnet: record.subnet,
    subnet6: record.subnet6,
    internal: record.internal,
    ...(icc ? {} : { apart: true }),
    ...(masquerade ? {} : { bare: true }),
    ...(egress ? { egress: { four: egress.four, six: egress.six, learned: [] } } : {}),
    ...(port === undefined ? {} : { names: { address: record.gateway, port, ...(shut ? {} : { upstream }) } }),
  };
}
