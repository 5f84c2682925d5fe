import type { EngineConfig } from '../base/config.ts';
import { badRequest } from '../base/errors.ts';
import type { EventBus } from '../base/eventBus.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { ipBatch } from '../host/ip.ts';
import { netnsPath } from '../host/netns.ts';
import type { AttachedLeg, Attachment } from './attachmentStore.ts';
import { alreadyConnected, containerNotAttached } from './errors.ts';
import { isMac } from './ipv4.ts';
import { NetworkInspector } from './inspection.ts';
import type { NetworkUser } from './inspection.ts';
import { NamespacePool } from './namespacePool.ts';
import type { Leg, Namespace } from './namespaces.ts';
import { NetworkCatalog } from './networkCatalog.ts';
import { DEFAULT_NETWORK, forwardsOf, hasNames, networkParts } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import type { NetworkRecord } from './networkStore.ts';
import type { PortRequest, PublishedPort } from './portPublisher.ts';
import { passForward, prepareNetworks, removeKernelParts } from './prepare.ts';
import { Reaper } from './reaper.ts';
import { containerServers, readResolvConf } from './resolvConf.ts';

export interface AttachRequest {
  /** `default`, `none`, `host`, or a network's name or id. */
  readonly network: string;
  readonly hostname: string;
  /** The container's name, as networks list it; default: the hostname. */
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly mac?: string;
  /** The servers that names are asked of, instead of the host's. */
  readonly dns?: readonly string[];
  /** A wished address; only user-defined networks give it. */
  readonly ip?: string;
}

/** A container's place in a network. `netnsPath` is '' for the host's own namespace; addresses are '' where there are none. */
export interface Endpoint {
  readonly networkName: string;
  readonly networkId: string;
  readonly netnsPath: string;
  readonly ip: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
  readonly endpointId: string;
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
  readonly #events: EventBus;
  readonly #pool: NamespacePool;
  readonly #reaper: Reaper;
  #forwardChecked = 0;

  constructor({ config, log, events, poolSize = 4 }: NetworkServiceOptions) {
    this.#parts = networkParts(config, log);
    this.#events = events;
    this.catalog = new NetworkCatalog(this.#parts, events);
    this.#pool = new NamespacePool({ make: (count) => this.#make(this.catalog.require(DEFAULT_NETWORK), count), destroy: (namespaces) => this.#discard(namespaces) }, poolSize, log);
    this.#reaper = new Reaper((doomed) => this.#parts.namespaces.destroy(doomed), log);
  }

  /** At engine start: makes bridge and table, removes strays, begins to fill the pool. */
  async prepare(): Promise<void> {
    await prepareNetworks(this.#parts);
    this.#forwardChecked = Date.now();
    this.#pool.refill();
  }

  /** Gives the container a network namespace. What it had before is released. Throws NO_SUCH_NETWORK, BAD_REQUEST. */
  async attach(containerId: string, request: AttachRequest): Promise<Endpoint> {
    const record = this.catalog.require(request.network);
    if (request.mac && !isMac(request.mac)) throw badRequest({ what: 'MAC address', detail: `"${request.mac}" is not six pairs of hex digits with colons between them` });
    await this.release(containerId);
    if (record.driver === 'host') return { ...nowhere(record), netnsPath: '', endpointId: newId() };
    const namespace = await this.#namespaceFor(record, request);
    const legs = namespace.leg ? [toAttachedLeg(record, namespace.leg, request.aliases)] : [];
    const attachment: Attachment = { containerId, name: request.name ?? request.hostname, hostname: request.hostname, dns: [...(request.dns ?? [])], netns: namespace.name, legs, ports: [] };
    this.#parts.attachments.save(attachment);
    this.#events.publish('network', 'connect', record.id, { container: containerId, name: record.name, type: record.driver });
    this.#recheckForward();
    return legs[0] ? toEndpoint(attachment.netns, legs[0]) : { ...nowhere(record), netnsPath: namespace.path, endpointId: newId() };
  }

  /** Publishes ports on the host, all or none. Throws PORT_IN_USE. */
  async publish(containerId: string, endpoint: Pick<Endpoint, 'ip'>, ports: readonly PortRequest[]): Promise<PublishedPort[]> {
    const attachment = this.#parts.attachments.get(containerId);
    if (ports.length === 0 || !attachment || endpoint.ip === '') return [];
    const published = await this.#parts.publisher.publish(containerId, endpoint.ip, ports);
    this.#parts.attachments.save({ ...attachment, ports: [...attachment.ports, ...published.ports.map(({ protocol, hostIp, hostPort, containerPort }) => ({ protocol, hostIp, hostPort, containerPort }))] });
    return published.ports;
  }

  /** Takes back ports, addresses and the namespace; fine if there are none. The kernel's part happens in the background. */
  async release(containerId: string): Promise<void> {
    const attachment = this.#parts.attachments.get(containerId);
    if (!attachment) return;
    await this.#parts.publisher.withdraw(containerId, forwardsOf(attachment));
    await this.#parts.attachments.remove(containerId);
    const gone = (): void => attachment.legs.forEach(({ networkId, ip }) => this.#parts.addresses.giveBack(networkId, ip));
    this.#reaper.add({ name: attachment.netns, legs: attachment.legs, gone });
    for (const leg of attachment.legs) this.#events.publish('network', 'disconnect', leg.networkId, { container: containerId, name: leg.networkName, type: 'bridge' });
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
  async connect(containerId: string, networkRef: string, wish: { readonly ip?: string; readonly aliases?: readonly string[] } = {}): Promise<void> {
    const record = this.catalog.require(networkRef);
    const attachment = this.#parts.attachments.get(containerId);
    if (!attachment || record.driver !== 'bridge' || attachment.legs.length === 0) throw containerNotAttached({ container: containerId });
    if (attachment.legs.some(({ networkId }) => networkId === record.id)) throw alreadyConnected({ container: attachment.name, network: record.name });
    const leg = this.#parts.addresses.newLeg(record, this.#parts.mtu, { ...(wish.ip === undefined ? {} : { ip: wish.ip }), device: freeDevice(attachment.legs) });
    await this.#parts.namespaces.addLeg(attachment.netns, leg).catch((error: unknown) => {
      this.#parts.addresses.giveBack(record.id, leg.ip);
      throw error;
    });
    this.#parts.attachments.save({ ...attachment, legs: [...attachment.legs, toAttachedLeg(record, leg, wish.aliases)] });
    this.#events.publish('network', 'connect', record.id, { container: containerId, name: record.name, type: record.driver });
  }

  /** Takes a running container out of a network; ports published there are withdrawn. Throws CONTAINER_NOT_ATTACHED. */
  async disconnect(containerId: string, networkRef: string): Promise<void> {
    const record = this.catalog.require(networkRef);
    const attachment = this.#parts.attachments.get(containerId);
    const leg = attachment?.legs.find(({ networkId }) => networkId === record.id);
    if (!attachment || !leg) throw containerNotAttached({ container: containerId });
    const first = attachment.legs[0] === leg;
    if (first) await this.#parts.publisher.withdraw(containerId, forwardsOf(attachment));
    const rest = attachment.legs.filter((other) => other !== leg);
    this.#parts.attachments.save({ ...attachment, legs: rest, ports: first ? [] : attachment.ports });
    await this.#parts.namespaces.removeLegs([leg]);
    if (first) await this.#moveDefaultRoute({ ...attachment, legs: rest, ports: [] });
    this.#parts.addresses.giveBack(record.id, leg.ip);
    this.#events.publish('network', 'disconnect', record.id, { container: containerId, name: record.name, type: record.driver });
  }

  /** The way out of a container's first network is gone with it: it leads through another one now, if one has a way out. */
  async #moveDefaultRoute(attachment: Attachment): Promise<void> {
    for (const leg of attachment.legs) {
      const record = this.#parts.store.find(leg.networkId);
      if (!record || record.internal) continue;
      await ipBatch([`route replace default via ${record.gateway}`], { netns: attachment.netns });
      this.#parts.attachments.save({ ...attachment, legs: [{ ...leg, gateway: record.gateway }, ...attachment.legs.filter((other) => other !== leg)] });
      return;
    }
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

  /** Resolves when the pool is full and what was released is gone. */
  async settled(): Promise<void> {
    await Promise.all([this.#pool.settled(), this.#reaper.settled(), this.#parts.firewall.settled()]);
  }

  /** The engine ends: namespaces of containers and their published ports stay; without containers nothing stays in the kernel. */
  async close(): Promise<void> {
    await this.#pool.close();
    await this.#reaper.settled();
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

  async #namespaceFor(record: NetworkRecord, request: AttachRequest): Promise<Namespace> {
    if (record.driver === 'null') return this.#parts.namespaces.makeBare();
    if (record.name === DEFAULT_NETWORK) return withMac(await this.#pool.take(), request.mac);
    const [made] = await this.#make(record, 1, { ...(request.ip === undefined ? {} : { ip: request.ip }), ...(request.mac === undefined ? {} : { mac: request.mac }) });
    if (!made) throw new Error('no network namespace was made');
    return made;
  }

  async #make(record: NetworkRecord, count: number, wish: { readonly ip?: string; readonly mac?: string } = {}): Promise<Namespace[]> {
    const legs: Leg[] = [];
    try {
      for (let index = 0; index < count; index++) legs.push(this.#parts.addresses.newLeg(record, this.#parts.mtu, wish));
      return await this.#parts.namespaces.make(legs);
    } catch (error) {
      for (const { ip } of legs) this.#parts.addresses.giveBack(record.id, ip);
      throw error;
    }
  }

  async #discard(namespaces: readonly Namespace[]): Promise<void> {
    await this.#parts.namespaces.destroy(namespaces);
    const { id } = this.catalog.require(DEFAULT_NETWORK);
    for (const { leg } of namespaces) if (leg) this.#parts.addresses.giveBack(id, leg.ip);
  }

  #recheckForward(): void {
    if (Date.now() - this.#forwardChecked < FORWARD_CHECK_MS) return;
    this.#forwardChecked = Date.now();
    void passForward(this.#parts).catch((error: unknown) => this.#parts.log.warn('iptables could not be asked about its FORWARD chain', { error }));
  }
}

/** Pooled namespaces have the address's own MAC; another is set on the spot. */
async function withMac(namespace: Namespace, mac: string | undefined): Promise<Namespace> {
  if (mac === undefined || mac === '' || !namespace.leg) return namespace;
  await ipBatch([`link set dev ${namespace.leg.device} address ${mac}`], { netns: namespace.name });
  return { ...namespace, leg: { ...namespace.leg, mac } };
}

function freeDevice(legs: readonly AttachedLeg[]): string {
  const used = new Set(legs.map(({ device }) => device));
  for (let index = 0; ; index++) if (!used.has(`eth${index}`)) return `eth${index}`;
}

function toAttachedLeg(record: NetworkRecord, { veth, device, ip, prefix, gateway, mac }: Leg, aliases: readonly string[] = []): AttachedLeg {
  return { aliases: [...aliases], networkId: record.id, networkName: record.name, endpointId: newId(), veth, device, ip, prefix, gateway, mac };
}

function toEndpoint(netns: string, { networkName, networkId, ip, prefix, gateway, mac, endpointId }: AttachedLeg): Endpoint {
  return { networkName, networkId, netnsPath: netnsPath(netns), ip, prefix, gateway, mac, endpointId };
}

function nowhere(record: NetworkRecord): Pick<Endpoint, 'networkName' | 'networkId' | 'ip' | 'prefix' | 'gateway' | 'mac'> {
  return { networkName: record.name, networkId: record.id, ip: '', prefix: 0, gateway: '', mac: '' };
}
