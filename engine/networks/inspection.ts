import { stat } from 'node:fs/promises';
import type { Fault, Inspection, Inspector } from '../base/inspector.ts';
import { listBridgePorts, listLinks } from '../host/ip.ts';
import { netnsPath } from '../host/netns.ts';
import type { Attachment } from './attachmentStore.ts';
import { ensureBridge, removeBridge, strayBridges } from './bridges.ts';
import { forwardText } from './firewall.ts';
import { bridgeNetworks, bridgeSettings, writeNetworks } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import { forwardsOf } from './portPublisher.ts';

/** A running container, and the process whose namespace is to be the one on record. */
export interface NetworkUser {
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  /** It has a namespace of its own from us. */
  readonly attached: boolean;
}

export interface NetworkInspectorOptions {
  readonly parts: NetworkParts;
  /** Names and outer ends of the namespaces kept ready. */
  readonly ready: () => ReadonlyArray<{ readonly name: string; readonly veth: string | undefined }>;
  readonly settled: () => Promise<void>;
  /** Running containers. */
  readonly users: () => readonly NetworkUser[];
  /** Running build steps. */
  readonly steps: () => ReadonlySet<string>;
  readonly release: (containerId: string) => Promise<void>;
}

const ADVICE = 'berth system check --repair brings it in order.';

/** Bridges, the nft table, namespaces and links: those on record are there, and there are no others of this instance. */
export class NetworkInspector implements Inspector {
  readonly #options: NetworkInspectorOptions;

  constructor(options: NetworkInspectorOptions) {
    this.#options = options;
  }

  async inspect(): Promise<Inspection> {
    const { parts, settled } = this.#options;
    await settled();
    const networks = bridgeNetworks(parts);
    const links = await listLinks();
    const faults = await Promise.all([this.#bridges(links), this.#table(), this.#namespaces(), this.#links(), this.#containers(links)]);
    return { faults: faults.flat(), looked: { networks: networks.length } };
  }

  async #bridges(links: ReadonlySet<string>): Promise<Fault[]> {
    const { parts } = this.#options;
    const strays = await strayBridges(parts.config.dataRoot, bridgeNetworks(parts));
    const missing = bridgeNetworks(parts).filter(({ bridge }) => !links.has(bridge));
    return [
      ...strays.map((bridge) => fault('ORPHAN_BRIDGE', bridge, `The bridge ${bridge} is ours and belongs to no network.`, () => removeBridge(bridge))),
      ...missing.map((record) => fault('BRIDGE_MISSING', record.name, `Its bridge ${record.bridge} is gone: its containers reach nothing.`, () => ensureBridge(record, bridgeSettings(parts, record)), 'network')),
    ];
  }

  async #table(): Promise<Fault[]> {
    const { parts } = this.#options;
    const repair = (): Promise<void> => writeNetworks(parts);
    const there = await parts.firewall.published();
    if (there === undefined) return [fault('NFT_TABLE_MISSING', parts.firewall.table, 'The nft table is gone: published ports and the way out of containers do not work.', repair)];
    const wanted = new Set(parts.attachments.list().flatMap((attachment) => forwardsOf(attachment).map(forwardText)));
    return [
      ...[...wanted].filter((one) => !there.has(one)).map((one) => fault('PORT_NOT_PUBLISHED', one, `The published port ${one} is not in the nft table.`, repair)),
      ...[...there].filter((one) => !wanted.has(one)).map((one) => fault('ORPHAN_NFT_RULE', one, `The nft table leads ${one}, where no container has that port.`, repair)),
    ];
  }

  async #namespaces(): Promise<Fault[]> {
    const { parts, ready } = this.#options;
    const wanted = new Set([...parts.attachments.list().map(({ netns }) => netns), ...ready().map(({ name }) => name)]);
    const there = await parts.namespaces.list();
    return there.filter((name) => !wanted.has(name)).map((name) => fault('ORPHAN_NETNS', name, `The network namespace ${name} belongs to no container.`, () => parts.namespaces.destroy([{ name, legs: [] }])));
  }

  async #links(): Promise<Fault[]> {
    const { parts, ready } = this.#options;
    const kept = new Set([...parts.attachments.list().flatMap(({ legs }) => legs.map(({ veth }) => veth)), ...ready().map(({ veth }) => veth)]);
    const ports = (await Promise.all(bridgeNetworks(parts).map(({ bridge }) => listBridgePorts(bridge)))).flat();
    return ports.filter((veth) => !kept.has(veth)).map((veth) => fault('ORPHAN_VETH', veth, `The link ${veth} is in one of our bridges and belongs to no container.`, () => parts.namespaces.removeLegs([{ veth }])));
  }

  async #containers(links: ReadonlySet<string>): Promise<Fault[]> {
    const { parts, users, steps, release } = this.#options;
    const running = new Map(users().map((user) => [user.id, user]));
    const strays = parts.attachments.list().filter(({ containerId }) => !running.has(containerId) && !steps().has(containerId));
    const lost = [...running.values()].filter(({ id, attached }) => attached && parts.attachments.get(id) === undefined);
    const wrong = await Promise.all(parts.attachments.list().map((attachment) => attachmentFaults(attachment, running.get(attachment.containerId), links)));
    return [
      ...strays.map(({ containerId, name }) => fault('ORPHAN_NETNS', name, `A network namespace is kept for container ${containerId.slice(0, 12)}, which is not running.`, () => release(containerId))),
      ...lost.map(({ name }) => restart('CONTAINER_NETWORK_LOST', name, 'It runs, and what was known of its network is lost.')),
      ...wrong.flat(),
    ];
  }
}

async function attachmentFaults({ netns, legs }: Attachment, user: NetworkUser | undefined, links: ReadonlySet<string>): Promise<Fault[]> {
  if (!user) return [];
  const [own, named] = await Promise.all([inode(`/proc/${user.pid}/ns/net`), inode(netnsPath(netns))]);
  if (named === undefined) return [restart('CONTAINER_NETNS_GONE', user.name, `Its network namespace ${netns} is gone.`)];
  if (own !== undefined && own !== named) return [restart('CONTAINER_NETNS_DIFFERS', user.name, `Its process is in another network namespace than ${netns}.`)];
  return legs.filter(({ veth }) => !links.has(veth)).map(({ veth }) => restart('CONTAINER_VETH_GONE', user.name, `Its link ${veth} to the network is gone.`));
}

function restart(code: string, name: string, seen: string): Fault {
  return { code, kind: 'container', object: name, seen, advice: `Restart it: berth restart ${name}` };
}

function fault(code: string, object: string, seen: string, repair: () => Promise<void>, kind: Fault['kind'] = 'host'): Fault {
  return { code, kind, object, seen, advice: ADVICE, repair };
}

async function inode(path: string): Promise<number | undefined> {
  return stat(path).then(({ ino }) => ino, () => undefined);
}
