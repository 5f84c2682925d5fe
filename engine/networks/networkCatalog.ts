import { badRequest } from '../base/errors.ts';
import type { EventBus } from '../base/eventBus.ts';
import { shortRandom } from '../base/ids.ts';
import { unpassIptables } from '../host/ipForwarding.ts';
import { contains, parseAddress, requireCidr } from './ipv4.ts';
import { networkExists, networkInUse, networkPredefined, noSuchNetwork } from './errors.ts';
import { ensureBridge, pickSubnet, removeBridge } from './bridges.ts';
import type { AttachedLeg, Attachment } from './attachmentStore.ts';
import { passedBridge, writeNetworks } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import type { NetworkRecord } from './networkStore.ts';
import { passForward, plainRecord } from './prepare.ts';

const PREDEFINED = new Set(['bridge', 'host', 'none']);

export interface NewNetwork {
  readonly name: string;
  readonly driver?: string;
  readonly internal?: boolean;
  readonly subnet?: string;
  readonly gateway?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
}

/** A network and who is in it. */
export interface NetworkView {
  readonly record: NetworkRecord;
  readonly members: readonly { readonly containerId: string; readonly name: string; readonly leg: AttachedLeg }[];
}

/** The networks users make, list and remove. */
export class NetworkCatalog {
  readonly #parts: NetworkParts;
  readonly #events: EventBus;

  constructor(parts: NetworkParts, events: EventBus) {
    this.#parts = parts;
    this.#events = events;
  }

  list(): NetworkView[] {
    return this.#parts.store.list().map((record) => this.#view(record));
  }

  /** By name, id or the beginning of an id; throws NO_SUCH_NETWORK. */
  inspect(ref: string): NetworkView {
    return this.#view(this.require(ref));
  }

  require(ref: string): NetworkRecord {
    const record = this.#parts.store.find(ref === 'default' ? 'bridge' : ref);
    if (!record) throw noSuchNetwork({ network: ref });
    return record;
  }

  /** A bridge of its own. Throws NETWORK_EXISTS, SUBNET_TAKEN, BAD_REQUEST. */
  async create(request: NewNetwork): Promise<NetworkRecord> {
    const { store, addresses, names } = this.#parts;
    checkRequest(request);
    if (store.byName(request.name)) throw networkExists({ name: request.name });
    const choice = await pickSubnet(store.list(), 1, request.subnet);
    const record: NetworkRecord = {
      ...plainRecord(request.name, 'bridge'),
      bridge: `bt-${shortRandom(5)}`,
      subnet: choice.subnet,
      gateway: request.gateway ?? choice.gateway,
      internal: request.internal ?? false,
      labels: { ...request.labels },
      options: { ...request.options },
    };
    await store.save(record); // before the bridge: a killed engine's half-made network is finished by the next start
    try {
      await ensureBridge(record, this.#parts.mtu);
      await names.open(record);
      await writeNetworks(this.#parts);
      await passForward(this.#parts);
    } catch (error) {
      await names.close(record.id);
      await removeBridge(record.bridge);
      await store.remove(record.name);
      throw error;
    }
    addresses.open(record);
    this.#events.publish('network', 'create', record.id, { name: record.name, type: record.driver });
    return record;
  }

  /** Throws NO_SUCH_NETWORK, NETWORK_PREDEFINED, NETWORK_IN_USE. */
  async remove(ref: string): Promise<void> {
    const { record, members } = this.inspect(ref);
    if (PREDEFINED.has(record.name)) throw networkPredefined({ name: record.name });
    if (members.length > 0) throw networkInUse({ name: record.name, containers: members.map(({ name }) => name).join(', ') });
    await this.#parts.names.close(record.id);
    await removeBridge(record.bridge);
    await unpassIptables([passedBridge(record)]);
    await this.#parts.store.remove(record.name);
    this.#parts.addresses.close(record.id);
    await writeNetworks(this.#parts);
    this.#events.publish('network', 'destroy', record.id, { name: record.name, type: record.driver });
  }

  /** Removes what nobody is in and `matches` accepts; returns the names. */
  async prune(matches: (record: NetworkRecord) => boolean): Promise<string[]> {
    const unused = this.list().filter(({ record, members }) => !PREDEFINED.has(record.name) && members.length === 0 && matches(record));
    for (const { record } of unused) await this.remove(record.id);
    return unused.map(({ record }) => record.name);
  }

  #view(record: NetworkRecord): NetworkView {
    const member = ({ containerId, name, legs }: Attachment): NetworkView['members'] => legs.filter(({ networkId }) => networkId === record.id).map((leg) => ({ containerId, name, leg }));
    return { record, members: this.#parts.attachments.list().flatMap(member) };
  }
}

function checkRequest({ name, driver = 'bridge', subnet, gateway }: NewNetwork): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw badRequest({ what: 'network name', detail: `"${name}" has other characters than [a-zA-Z0-9_.-] or begins with one of these signs` });
  if (PREDEFINED.has(name) || name === 'default') throw networkPredefined({ name });
  if (driver !== 'bridge') throw badRequest({ what: 'network driver', detail: `"${driver}" is not known; Berth has bridge networks` });
  if (gateway === undefined) return;
  const address = parseAddress(gateway);
  if (subnet === undefined || address === undefined || !contains(requireCidr(subnet), address)) throw badRequest({ what: 'gateway', detail: `"${gateway}" is not an address of the subnet given` });
}
