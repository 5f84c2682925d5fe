import type { EventBus } from '../base/eventBus.ts';
import { networkExists, networkInUse, networkPredefined, noSuchNetwork } from './errors.ts';
import { ensureBridge, removeBridge } from './bridges.ts';
import type { AttachedLeg, Attachment } from './attachmentStore.ts';
import { bridgeSettings, writeNetworks } from './networkParts.ts';
import type { NetworkParts } from './networkParts.ts';
import type { NetworkRecord } from './networkStore.ts';
import { newRecord, predefined } from './newNetwork.ts';
import type { NewNetwork } from './newNetwork.ts';
import { passForward, unpassForward } from './prepare.ts';

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

  /** A bridge of its own. Throws NETWORK_EXISTS, SUBNET_TAKEN, BAD_REQUEST, and what `newRecord` does. */
  async create(request: NewNetwork): Promise<NetworkRecord> {
    const { store, addresses, names } = this.#parts;
    if (store.byName(request.name)) throw networkExists({ name: request.name });
    const record = await newRecord(request, store.list());
    if (store.byName(request.name)) throw networkExists({ name: request.name });
    await store.save(record); // before the bridge: a killed engine's half-made network is finished by the next start
    try {
      await ensureBridge(record, bridgeSettings(this.#parts, record));
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
    this.#parts.egress.watch();
    this.#events.publish('network', 'create', record.id, { name: record.name, type: record.driver });
    return record;
  }

  /** Throws NO_SUCH_NETWORK, NETWORK_PREDEFINED, NETWORK_IN_USE. */
  async remove(ref: string): Promise<void> {
    const { record, members } = this.inspect(ref);
    if (predefined.has(record.name)) throw networkPredefined({ name: record.name });
    if (members.length > 0) throw networkInUse({ name: record.name, containers: members.map(({ name }) => name).join(', ') });
    await this.#parts.names.close(record.id);
    await removeBridge(record.bridge);
    await unpassForward(this.#parts, [record]);
    await this.#parts.store.remove(record.name);
    this.#parts.addresses.close(record.id);
    await writeNetworks(this.#parts);
    await this.#parts.egress.forget(record);
    this.#events.publish('network', 'destroy', record.id, { name: record.name, type: record.driver });
  }

  /** Removes what nobody is in and `matches` accepts; returns the names. */
  async prune(matches: (record: NetworkRecord) => boolean): Promise<string[]> {
    const unused = this.list().filter(({ record, members }) => !predefined.has(record.name) && members.length === 0 && matches(record));
    for (const { record } of unused) await this.remove(record.id);
    return unused.map(({ record }) => record.name);
  }

  #view(record: NetworkRecord): NetworkView {
    const member = ({ containerId, name, legs }: Attachment): NetworkView['members'] => legs.filter(({ networkId }) => networkId === record.id).map((leg) => ({ containerId, name, leg }));
    return { record, members: this.#parts.attachments.list().flatMap(member) };
  }
}
