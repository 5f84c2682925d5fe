import { badRequest } from '../base/errors.ts';
import type { EventBus } from '../base/eventBus.ts';
import { newId } from '../base/ids.ts';
import { ipBatch } from '../host/ip.ts';
import type { AttachedLeg, Attachment } from './attachmentStore.ts';
import { alreadyConnected, containerNotAttached } from './errors.ts';
import { isMac } from './ipv4.ts';
import type { NamespacePool } from './namespacePool.ts';
import { defaultRoutes } from './namespaces.ts';
import type { Leg, Namespace } from './namespaces.ts';
import type { NetworkCatalog } from './networkCatalog.ts';
import { bridgeOptions } from './networkOptions.ts';
import { DEFAULT_NETWORK } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import type { NetworkRecord } from './networkStore.ts';

/** A place in a network, as somebody wishes it. */
export interface NetworkWish {
  /** `default`, `none`, `host`, or a network's name or id. */
  readonly network: string;
  readonly aliases?: readonly string[];
  readonly mac?: string;
  /** Wished addresses; only user-defined networks give them. */
  readonly ip?: string;
  readonly ip6?: string;
  /** Names by which it alone knows others there: `container:alias`. */
  readonly links?: readonly string[];
}

export interface AttachRequest extends NetworkWish {
  readonly hostname: string;
  /** The container's name, as networks list it; default: the hostname. */
  readonly name?: string;
  /** The servers that names are asked of, instead of the host's. */
  readonly dns?: readonly string[];
  /** Networks that it is in besides. */
  readonly further?: readonly NetworkWish[];
}

export interface MembershipParts {
  readonly parts: NetworkParts;
  readonly catalog: NetworkCatalog;
  readonly pool: NamespacePool;
  readonly events: EventBus;
}

/** Which containers are in which networks: legs into bridges, and the way out. */
export class Membership {
  readonly #parts: NetworkParts;
  readonly #catalog: NetworkCatalog;
  readonly #pool: NamespacePool;
  readonly #events: EventBus;

  constructor({ parts, catalog, pool, events }: MembershipParts) {
    this.#parts = parts;
    this.#catalog = catalog;
    this.#pool = pool;
    this.#events = events;
  }

  /** A namespace with a leg in each of the networks; all or nothing. `undefined`: the host's own. */
  async attach(containerId: string, request: AttachRequest): Promise<Attachment | undefined> {
    const wishes = [request, ...(request.further ?? [])].map((wish) => ({ wish, record: this.#catalog.require(wish.network) }));
    wishes.forEach(({ wish }) => checkWish(wish));
    const [first] = wishes;
    if (!first || first.record.driver === 'host') return undefined;
    const namespace = await this.#namespaceFor(first.record, first.wish);
    const attachment: Attachment = { containerId, name: request.name ?? request.hostname, hostname: request.hostname, dns: [...(request.dns ?? [])], netns: namespace.name, legs: namespace.leg ? [toAttachedLeg(first.record, namespace.leg, first.wish)] : [], ports: [] };
    try {
      for (const { wish, record } of wishes.slice(1)) attachment.legs.push(await this.#addLeg(attachment, record, wish));
    } catch (error) {
      await this.#parts.namespaces.destroy([{ name: namespace.name, legs: attachment.legs }]);
      this.#giveBack(attachment.legs);
      throw error;
    }
    // Who asks for the first one means the one with the way out.
    attachment.legs.sort((a, b) => Number(b.gateway !== '') - Number(a.gateway !== ''));
    this.#parts.attachments.save(attachment);
    for (const { record } of wishes) this.#announce('connect', containerId, record);
    return attachment;
  }

  /** Puts a running container into one more network. Throws CONTAINER_NOT_ATTACHED, ALREADY_CONNECTED. */
  async connect(containerId: string, wish: NetworkWish): Promise<void> {
    checkWish(wish);
    const record = this.#catalog.require(wish.network);
    const attachment = this.#parts.attachments.get(containerId);
    if (!attachment || record.driver !== 'bridge') throw containerNotAttached({ container: containerId });
    if (attachment.legs.some(({ networkId }) => networkId === record.id)) throw alreadyConnected({ container: attachment.name, network: record.name });
    const leg = await this.#addLeg(attachment, record, wish);
    const ways = leg.gateway === '' ? [...attachment.legs, leg] : [leg, ...attachment.legs];
    this.#parts.attachments.save({ ...attachment, legs: ways });
    this.#announce('connect', containerId, record);
  }

  /** Takes a running container out of a network; ports published there move to its new way out. Throws CONTAINER_NOT_ATTACHED. */
  async disconnect(containerId: string, networkRef: string): Promise<void> {
    const record = this.#catalog.require(networkRef);
    const attachment = this.#parts.attachments.get(containerId);
    const leg = attachment?.legs.find(({ networkId }) => networkId === record.id);
    if (!attachment || !leg) throw containerNotAttached({ container: containerId });
    const { publisher, attachments, namespaces } = this.#parts;
    const led = leg.gateway !== '' || leg.gateway6 !== '' || attachment.legs[0] === leg;
    if (led) await publisher.withdraw(containerId, attachment);
    const rest = attachment.legs.filter((other) => other !== leg);
    attachments.save({ ...attachment, legs: rest, ports: led ? [] : attachment.ports });
    await namespaces.removeLegs([leg]);
    if (led) await this.#moveWays({ ...attachment, legs: rest, ports: [] }, attachment.ports);
    this.#parts.addresses.giveBack(record.id, leg);
    this.#announce('disconnect', containerId, record);
  }

  announceRelease({ containerId, legs }: Attachment): void {
    for (const { networkId, networkName } of legs) this.#events.publish('network', 'disconnect', networkId, { container: containerId, name: networkName, type: 'bridge' });
  }

  /** Namespaces with one leg each; used for the pool too. */
  async make(record: NetworkRecord, count: number, wish: Partial<NetworkWish> = {}): Promise<Namespace[]> {
    const legs: Leg[] = [];
    try {
      const way = { four: !record.internal, six: !record.internal };
      for (let index = 0; index < count; index++) legs.push(this.#parts.addresses.newLeg(record, this.#parts.mtu, { ip: wish.ip, ip6: wish.ip6, mac: wish.mac, way }));
      return await this.#parts.namespaces.make(legs);
    } catch (error) {
      for (const leg of legs) this.#parts.addresses.giveBack(record.id, leg);
      throw error;
    }
  }

  async #namespaceFor(record: NetworkRecord, wish: NetworkWish): Promise<Namespace> {
    if (record.driver === 'null') return this.#parts.namespaces.makeBare();
    if (record.name === DEFAULT_NETWORK && wish.ip === undefined && wish.ip6 === undefined) return withMac(await this.#pool.take(), wish.mac);
    const [made] = await this.make(record, 1, wish);
    if (!made) throw new Error('no network namespace was made');
    return made;
  }

  /** One more leg; the way out leads through it if there is none yet. */
  async #addLeg({ legs, netns }: Attachment, record: NetworkRecord, wish: NetworkWish): Promise<AttachedLeg> {
    const { addresses, namespaces, mtu } = this.#parts;
    if (legs.some(({ networkId }) => networkId === record.id)) throw alreadyConnected({ container: netns, network: record.name });
    const way = { four: !record.internal && legs.every(({ gateway }) => gateway === ''), six: !record.internal && legs.every(({ gateway6 }) => gateway6 === '') };
    const device = freeDevice(bridgeOptions(record.options).devicePrefix, legs);
    const leg = addresses.newLeg(record, mtu, { ip: wish.ip, ip6: wish.ip6, mac: wish.mac, device, way });
    await namespaces.addLeg(netns, leg).catch((error: unknown) => {
      addresses.giveBack(record.id, leg);
      throw error;
    });
    return toAttachedLeg(record, leg, wish);
  }

  /** The way out was through a network that is gone: it leads through others now, where those have one, and so do published ports. */
  async #moveWays(attachment: Attachment, ports: Attachment['ports']): Promise<void> {
    const { attachments, store, publisher, log } = this.#parts;
    let legs = attachment.legs;
    for (const [key, family] of [['gateway', 'gateway'], ['gateway6', 'gateway6']] as const) {
      if (legs.some((leg) => leg[key] !== '')) continue;
      const next = legs.find(({ networkId }) => store.find(networkId)?.internal === false && (store.find(networkId)?.[family] ?? '') !== '');
      const via = next && store.find(next.networkId)?.[family];
      if (next && via) legs = [{ ...next, [key]: via }, ...legs.filter((leg) => leg !== next)];
    }
    await ipBatch(legs.flatMap(defaultRoutes), { netns: attachment.netns });
    attachments.save({ ...attachment, legs });
    if (ports.length === 0 || legs.length === 0) return;
    try {
      const published = await publisher.publish(attachment.containerId, legs, ports);
      attachments.save({ ...attachment, legs, ports: [...published] });
    } catch (error) {
      log.warn('ports could not be published again when a container left a network', { container: attachment.containerId, error });
    }
  }

  #giveBack(legs: readonly AttachedLeg[]): void {
    for (const leg of legs) this.#parts.addresses.giveBack(leg.networkId, leg);
  }

  #announce(action: 'connect' | 'disconnect', containerId: string, record: NetworkRecord): void {
    this.#events.publish('network', action, record.id, { container: containerId, name: record.name, type: record.driver });
  }
}

function checkWish({ mac }: NetworkWish): void {
  if (mac && !isMac(mac)) throw badRequest({ what: 'MAC address', detail: `"${mac}" is not six pairs of hex digits with colons between them` });
}

/** Pooled namespaces have the address's own MAC; another is set on the spot. */
async function withMac(namespace: Namespace, mac: string | undefined): Promise<Namespace> {
  if (mac === undefined || mac === '' || !namespace.leg) return namespace;
  await ipBatch([`link set dev ${namespace.leg.device} address ${mac}`], { netns: namespace.name });
  return { ...namespace, leg: { ...namespace.leg, mac } };
}

function freeDevice(prefix: string, legs: readonly AttachedLeg[]): string {
  const used = new Set(legs.map(({ device }) => device));
  for (let index = 0; ; index++) if (!used.has(`${prefix}${index}`)) return `${prefix}${index}`;
}

function toAttachedLeg(record: NetworkRecord, { veth, device, ip, prefix, gateway, ip6, prefix6, gateway6, mac }: Leg, { aliases = [], links = [] }: Partial<NetworkWish>): AttachedLeg {
  return { aliases: [...aliases], links: [...links], networkId: record.id, networkName: record.name, endpointId: newId(), veth, device, ip, prefix, gateway, ip6, prefix6, gateway6, mac };
}
