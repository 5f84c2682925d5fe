import type { EngineConfig } from '../base/config.ts';
import type { Log } from '../base/log.ts';
import { AttachmentStore } from './attachmentStore.ts';
import type { Attachment } from './attachmentStore.ts';
import { AddressBook } from './bridges.ts';
import { Firewall } from './firewall.ts';
import { Namespaces } from './namespaces.ts';
import { NetworkStore } from './networkStore.ts';
import type { NetworkRecord } from './networkStore.ts';
import { keeperBinder } from './keeperBinder.ts';
import { engineBinder } from './portHold.ts';
import { PortPublisher } from './portPublisher.ts';
import { isIPv4 } from 'node:net';
import type { Forward } from './ruleset.ts';

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
  /** The MTU of new links; known after `prepareNetworks`. */
  mtu: number;
}

export function networkParts(config: EngineConfig, log: Log): NetworkParts {
  const firewall = new Firewall(config.instance);
  return {
    config,
    log,
    store: new NetworkStore(config.dataRoot, log),
    attachments: new AttachmentStore(config.runRoot, log),
    addresses: new AddressBook(),
    namespaces: new Namespaces(config.instance),
    firewall,
    publisher: new PortPublisher(firewall, config.keeper === undefined ? engineBinder : keeperBinder(config.keeper), log),
    mtu: 1500,
  };
}

export function bridgeNetworks(parts: NetworkParts): NetworkRecord[] {
  return parts.store.list().filter(({ driver }) => driver === 'bridge');
}

/** The kernel's share of a container's published ports (IPv6 is passed on by the engine). */
export function forwardsOf({ legs, ports }: Attachment): Forward[] {
  const ip = legs[0]?.ip;
  return ip === undefined ? [] : ports.filter(({ hostIp }) => isIPv4(hostIp)).map((port) => ({ ...port, ip }));
}
