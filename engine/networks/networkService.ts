import type { EngineConfig } from '../base/config.ts';
import type { EventBus } from '../base/eventBus.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { netnsPath } from '../host/netns.ts';
import type { AttachedLeg, Attachment } from './attachmentStore.ts';
import { NetworkInspector } from './inspection.ts';
import type { NetworkUser } from './inspection.ts';
import type { Refusal } from '../api/berth/network.ts';
import { Membership } from './membership.ts';
import type { AttachRequest, NetworkWish } from './membership.ts';
import { NamespacePool } from './namespacePool.ts';
import type { Namespace } from './namespaces.ts';
import { NetworkCatalog } from './networkCatalog.ts';
import { bridgeOptions } from './networkOptions.ts';
import { DEFAULT_NETWORK, hasNames, networkParts } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import type { NetworkRecord } from './networkStore.ts';
import type { PortRequest, PublishedPort } from './portPublisher.ts';
import { passForward, prepareNetworks, removeKernelParts } from './prepare.ts';
import { Reaper } from './reaper.ts';
import { containerServers, readResolvConf } from './resolvConf.ts';

/** A container's place in a network. `netnsPath` is '' for the host's own namespace; addresses are '' where there are none. */
export interface Endpoint {
  readonly networkName: string;
  readonly networkId: string;
  readonly netnsPath: string;
  readonly ip: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly ip6: string;
  readonly prefix6: number;
  readonly gateway6: string;
  readonly mac: string;
  readonly endpointId: string;
  readonly aliases: readonly string[];
}

export interface NetworkServiceOptions {
  readonly config: EngineConfig;
  readonly log: Log;
  readonly events: EventBus;
  /** Namespaces kept ready; default 4. */
  readonly poolSize?: number;
}

const FORWARD_CHECK_MS = 30_000;

/** Network namespaces, addresses and published ports of containers. */
export class NetworkService {
  readonly catalog: NetworkCatalog;
  readonly #parts: NetworkParts;
  readonly #membership: Membership;
  readonly #pool: NamespacePool;
  readonly #reaper: Reaper;
  #forwardChecked = 0;

  constructor({ config, log, events, poolSize = 4 }: NetworkServiceOptions) {
    this.#parts = networkParts(config, log, events);
    this.catalog = new NetworkCatalog(this.#parts, events);
    this.#pool = new NamespacePool({ make: (count) => this.#membership.make(this.catalog.require(DEFAULT_NETWORK), count), destroy: (namespaces) => this.#discard(namespaces) }, poolSize, log);
    this.#membership = new Membership({ parts: this.#parts, catalog: this.catalog, pool: this.#pool, events });
    this.#reaper = new Reaper((doomed) => this.#parts.namespaces.destroy(doomed), log);
  }

  /** At engine start: makes bridge and table, removes strays, begins to fill the pool. */
  async prepare(): Promise<void> {
    await prepareNetworks(this.#parts);
    this.#forwardChecked = Date.now();
    this.#pool.refill();
  }

  /** Gives the container a network namespace. What it had before is released. Throws NO_SUCH_NETWORK, BAD_REQUEST, ADDRESS_TAKEN. */
  async attach(containerId: string, request: AttachRequest): Promise<Endpoint> {
    await this.release(containerId);
    await this.#freed([request, ...(request.further ?? [])]);
    const attachment = await this.#membership.attach(containerId, request);
    this.#recheckForward();
    const [leg] = attachment?.legs ?? [];
    if (attachment && leg) return toEndpoint(attachment.netns, leg);
    return { ...nowhere(this.catalog.require(request.network)), netnsPath: attachment ? netnsPath(attachment.netns) : '', endpointId: newId() };
  }

  /** Publishes ports on the host, all or none. Throws PORT_IN_USE. */
  async publish(containerId: string, endpoint: Pick<Endpoint, 'ip'>, ports: readonly PortRequest[]): Promise<PublishedPort[]> {
    const attachment = this.#parts.attachments.get(containerId);
    if (ports.length === 0 || !attachment || endpoint.ip === '') return [];
    const binding = hostBinding(this.#parts, attachment);
    const published = await this.#parts.publisher.publish(containerId, attachment.legs, ports.map((port) => (port.hostIp === '' && binding !== undefined ? { ...port, hostIp: binding } : port)));
    this.#parts.attachments.save({ ...attachment, ports: [...attachment.ports, ...published] });
    return published;
  }

  /** Takes back ports, addresses and the namespace; fine if there are none. The kernel's part happens in the background. */
  async release(containerId: string): Promise<void> {
    const attachment = this.#parts.attachments.get(containerId);
    if (!attachment) return;
    await this.#parts.egress.beforeRelease(attachment);
    await this.#parts.publisher.withdraw(containerId, attachment);
    await this.#parts.attachments.remove(containerId);
    const gone = (): void => attachment.legs.forEach((leg) => this.#parts.addresses.giveBack(leg.networkId, leg));
    this.#reaper.add({ name: attachment.netns, legs: attachment.legs, gone });
    this.#membership.announceRelease(attachment);
  }

  /** Releases what belongs to none of these containers. */
  async reconcile(liveContainerIds: Iterable<string>): Promise<void> {
    const live = new Set(liveContainerIds);
    for (const { containerId } of this.#parts.attachments.list()) if (!live.has(containerId)) await this.release(containerId);
  }

  /** A running container's endpoints, the one with the default route first; also after a restart of the engine. */
  endpoints(containerId: string): Endpoint[] {
    const attachment = this.#parts.attachments.get(containerId);
    return attachment ? attachment.legs.map((leg) => toEndpoint(attachment.netns, leg)) : [];
  }

  publishedPorts(containerId: string): readonly PublishedPort[] {
    return this.#parts.attachments.get(containerId)?.ports ?? [];
  }

  /** Puts a running container into one more network. Throws CONTAINER_NOT_ATTACHED, ALREADY_CONNECTED. */
  async connect(containerId: string, network: string, wish: Omit<NetworkWish, 'network'> = {}): Promise<void> {
    await this.#freed([wish]);
    await this.#membership.connect(containerId, { ...wish, network });
  }

  /** Takes a running container out of a network. Throws CONTAINER_NOT_ATTACHED. */
  disconnect(containerId: string, network: string): Promise<void> {
    return this.#membership.disconnect(containerId, network);
  }

  /** An address that is wished may be that of a container that just ended, perhaps the same one: it is free when that one's namespace is gone. */
  async #freed(wishes: ReadonlyArray<Pick<NetworkWish, 'ip' | 'ip6'>>): Promise<void> {
    if (wishes.some(({ ip, ip6 }) => ip !== undefined || ip6 !== undefined)) await this.#reaper.settled();
  }

  /** What a network is called, of which the name, the id or the beginning of it is known. Throws NO_SUCH_NETWORK. */
  networkName(ref: string): string {
    return this.catalog.require(ref).name;
  }

  /** A container has another name: so it is called from now on. */
  rename(containerId: string, name: string): void {
    const attachment = this.#parts.attachments.get(containerId);
    if (attachment) this.#parts.attachments.save({ ...attachment, name });
  }

  /** `/etc/resolv.conf` for a container, by the networks it is in: see resolvConf.ts. */
  resolvConf(mode: 'bridge' | 'host' = 'bridge', containerId = ''): string {
    return readResolvConf(mode, this.#nameServers(containerId));
  }

  /** Whether a container's names are resolved by a network that it is in. */
  resolvesNames(containerId: string): boolean {
    return this.#nameServers(containerId).length > 0;
  }

  /** Who resolves names for a container in a user-defined network: the network; where the kernel cannot stand in for it, others behind it. */
  #nameServers(containerId: string): string[] {
    const networks = (this.#parts.attachments.get(containerId)?.legs ?? []).flatMap(({ networkId }) => this.#parts.store.find(networkId) ?? []);
    const named = networks.find((record) => hasNames(record) && this.#parts.names.portOf(record.id) !== undefined);
    if (!named) return [];
    return this.#parts.firewall.failover ? [named.gateway] : [named.gateway, ...containerServers()];
  }

  /** Compares the records with the kernel. `users`: running containers; `steps`: running build steps. */
  inspector(users: () => readonly NetworkUser[], steps: () => ReadonlySet<string>): NetworkInspector {
    const ready = () => this.#pool.ready().map(({ name, leg }) => ({ name, veth: leg?.veth }));
    return new NetworkInspector({ parts: this.#parts, ready, settled: () => this.settled(), users, steps, release: (id) => this.release(id) });
  }

  /** What containers of a network with an allow-list were refused, the oldest first. Throws NO_SUCH_NETWORK. */
  refusals(ref: string): Promise<Refusal[]> {
    return this.#parts.egress.refusals(this.catalog.require(ref));
  }

  /** Resolves when the pool is full and what was released is gone. */
  async settled(): Promise<void> {
    await Promise.all([this.#pool.settled(), this.#reaper.settled(), this.#parts.firewall.settled()]);
  }

  /** The engine ends: namespaces of containers and their published ports stay; without containers nothing stays in the kernel. */
  async close(): Promise<void> {
    await this.#pool.close();
    await this.#reaper.settled();
    await this.#parts.egress.close();
    await this.#parts.publisher.close();
    await this.#parts.names.closeAll();
    await this.#parts.firewall.settled();
    if (this.#parts.attachments.list().length === 0) await removeKernelParts(this.#parts);
  }

  /** Removes everything of this instance from the kernel, containers' namespaces included. For uninstalling, and for tests. */
  async teardown(): Promise<void> {
    await this.reconcile([]);
    await this.close();
  }

  async #discard(namespaces: readonly Namespace[]): Promise<void> {
    await this.#parts.namespaces.destroy(namespaces);
    const { id } = this.catalog.require(DEFAULT_NETWORK);
    for (const { leg } of namespaces) if (leg) this.#parts.addresses.giveBack(id, leg);
  }

  #recheckForward(): void {
    if (Date.now() - this.#forwardChecked < FORWARD_CHECK_MS) return;
    this.#forwardChecked = Date.now();
    void passForward(this.#parts).catch((error: unknown) => this.#parts.log.warn('iptables or firewalld could not be asked whether they let networks pass', { error }));
  }
}

/** Where a container's ports are published unless the user says where: as the network that it is reached by has it. */
function hostBinding({ store }: NetworkParts, { legs }: Attachment): string | undefined {
  const record = store.find(legs[0]?.networkId ?? '');
  return record && bridgeOptions(record.options).hostBinding;
}

function toEndpoint(netns: string, { networkName, networkId, ip, prefix, gateway, ip6, prefix6, gateway6, mac, endpointId, aliases }: AttachedLeg): Endpoint {
  return { networkName, networkId, netnsPath: netnsPath(netns), ip, prefix, gateway, ip6, prefix6, gateway6, mac, endpointId, aliases };
}

function nowhere(record: NetworkRecord): Omit<Endpoint, 'netnsPath' | 'endpointId'> {
  return { networkName: record.name, networkId: record.id, ip: '', prefix: 0, gateway: '', ip6: '', prefix6: 0, gateway6: '', mac: '', aliases: [] };
}
