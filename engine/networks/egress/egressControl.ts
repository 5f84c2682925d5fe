import type { Refusal } from '../../api/berth/network.ts';
import type { EventBus } from '../../base/eventBus.ts';
import type { Log } from '../../base/log.ts';
import type { AttachedLeg, Attachment } from '../attachmentStore.ts';
import type { Firewall, FirewallEgress } from '../firewall.ts';
import { bridgeOptions } from '../networkOptions.ts';
import type { NetworkRecord } from '../networkStore.ts';
import type { EgressPolicy } from './egressPolicy.ts';
import { namedSet, refusedSets } from './egressRules.ts';
import type { RulesetEgress } from './egressRules.ts';
import { RefusalLog } from './refusalLog.ts';
import { RefusalCounts } from './refusals.ts';

/** How often the kernel is asked what it refused, while there is anybody whom it might refuse something. */
const LOOK_MS = 2000;
/** An address is good as long as its answer says, but not so short that nobody can use it. */
const SHORTEST = 30;
const LONGEST = 86_400;
/** Of what is refused between two looks: different names that are kept, and events that are announced. */
const NAMES = 1000;
const EVENTS = 100;

export interface EgressOptions {
  readonly dataRoot: string;
  readonly log: Log;
  readonly events: EventBus;
  readonly firewall: Pick<Firewall, 'learn' | 'readSets' | 'restore' | 'undisturbed'>;
  readonly networks: () => readonly NetworkRecord[];
  readonly attachments: () => readonly Attachment[];
}

/** Something refused, of whom in which network; `who` may be gone. */
interface Noted extends Pick<Refusal, 'kind' | 'destination' | 'protocol' | 'port'> {
  readonly record: NetworkRecord;
  readonly who: Pick<Attachment, 'containerId' | 'name'>;
  count: number;
}

/**
 * Networks with an allow-list: which addresses the allowed names have, and what was refused. Both are in the kernel, so that they hold while no
 * engine runs; what is here in memory is read from there at the start.
 */
export class EgressControl implements FirewallEgress {
  readonly #options: EgressOptions;
  readonly #records: RefusalLog;
  readonly #counts = new RefusalCounts();
  readonly #names = new Map<string, Noted>();
  /** By bridge, then by address: when it ends, in milliseconds since 1970. */
  readonly #learned = new Map<string, Map<string, number>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EgressOptions) {
    this.#options = options;
    this.#records = new RefusalLog(options.dataRoot);
  }

  policyOf(record: NetworkRecord): EgressPolicy | undefined {
    return record.driver === 'bridge' ? bridgeOptions(record.options).egress : undefined;
  }

  /** At engine start, before the table is written anew. */
  async load(): Promise<void> {
    const restricted = this.#restricted();
    await this.#records.keepOnly(restricted.map(({ id }) => id));
    if (restricted.length === 0) return;
    const bridges = new Map(restricted.flatMap(({ bridge }) => ([4, 6] as const).map((family) => [namedSet(bridge, family), bridge])));
    for (const { set, key: [address = ''], expires } of (await this.#options.firewall.readSets([...bridges.keys()])) ?? []) this.#remember(bridges.get(set) ?? '', address, expires ?? SHORTEST);
    this.watch();
  }

  /** An allowed name has these addresses: they can be reached from now on. */
  async learn(record: NetworkRecord, answers: ReadonlyArray<{ readonly address: string; readonly ttl: number }>): Promise<void> {
    const news = answers.map(({ address, ttl }) => ({ address, seconds: Math.min(Math.max(ttl, SHORTEST), LONGEST) })).filter(({ address, seconds }) => this.#endOf(record.bridge, address) < Date.now() + seconds * 1000 - 1000);
    if (news.length === 0) return;
    for (const { address, seconds } of news) this.#remember(record.bridge, address, seconds);
    await this.#options.firewall.learn(record.bridge, news);
  }

  learned(bridge: string): RulesetEgress['learned'] {
    const now = Date.now();
    const known = this.#learned.get(bridge) ?? new Map<string, number>();
    for (const [address, end] of known) if (end <= now) known.delete(address);
    return [...known].map(([address, end]) => ({ address, seconds: Math.max(1, Math.ceil((end - now) / 1000)) }));
  }

  /** A container was told nothing about a name; noted with the next look. */
  refusedName(record: NetworkRecord, client: Attachment, name: string): void {
    const key = `${record.id} ${client.containerId} ${name}`;
    const known = this.#names.get(key);
    if (known) known.count += 1;
    else if (this.#names.size < NAMES) this.#names.set(key, { record, who: client, kind: 'name', destination: name, protocol: 'dns', count: 1 });
  }

  /** What is counted there would be gone with the table. */
  async beforeRewrite(): Promise<void> {
    await this.#read();
    this.#counts.forget();
  }

  /** Notes what the kernel has refused until now. False: it refuses nothing, because somebody has removed the rules. */
  harvest(): Promise<boolean> {
    return this.#restricted().length === 0 ? Promise.resolve(true) : this.#options.firewall.undisturbed(() => this.#read());
  }

  /** Whose refusals these were cannot be told any more when it is gone. */
  async beforeRelease({ legs }: Attachment): Promise<void> {
    const restricted = new Set(this.#restricted().map(({ id }) => id));
    if (legs.some(({ networkId }) => restricted.has(networkId))) await this.harvest();
  }

  async refusals(record: NetworkRecord): Promise<Refusal[]> {
    await this.harvest();
    return this.#records.read(record.id);
  }

  async forget(record: NetworkRecord): Promise<void> {
    this.#learned.delete(record.bridge);
    await this.#records.remove(record.id);
  }

  /** Begins to look, if there is a network with a list. */
  watch(): void {
    if (this.#restricted().length > 0) this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.harvest().catch(() => true);
  }

  #restricted(): NetworkRecord[] {
    return this.#options.networks().filter((record) => this.policyOf(record) !== undefined);
  }

  #look(): void {
    const restricted = new Set(this.#restricted().map(({ id }) => id));
    if (!this.#options.attachments().some(({ legs }) => legs.some(({ networkId }) => restricted.has(networkId)))) return;
    const look = async (): Promise<void> => {
      if (await this.harvest()) return;
      this.#options.log.warn('the rules of networks were gone, and with them their allow-lists: writing them again');
      await this.#options.firewall.restore();
    };
    look().catch((error: unknown) => this.#options.log.warn('what networks refused could not be read', { error }));
  }

  async #read(): Promise<boolean> {
    const elements = await this.#options.firewall.readSets(refusedSets);
    const names = [...this.#names.values()];
    this.#names.clear();
    const packets = this.#counts.news(elements ?? []).flatMap((one): Noted[] => {
      const record = this.#options.networks().find(({ bridge }) => bridge === one.bridge);
      const { destination, protocol, port, count } = one;
      return record ? [{ record, who: this.#whose(record, one.source), kind: 'connection', destination, protocol, ...(port === undefined ? {} : { port }), count }] : [];
    });
    await this.#note([...names, ...packets]);
    return elements !== undefined;
  }

  #whose(record: NetworkRecord, source: string): Noted['who'] {
    const isSource = ({ networkId, ip, ip6 }: AttachedLeg): boolean => networkId === record.id && (ip === source || ip6 === source);
    return this.#options.attachments().find(({ legs }) => legs.some(isSource)) ?? { containerId: '', name: source };
  }

  async #note(all: readonly Noted[]): Promise<void> {
    const time = new Date().toISOString();
    for (const record of new Set(all.map((one) => one.record))) {
      const lines = all.filter((one) => one.record === record).map(({ record: _record, who: { containerId, name }, ...what }): Refusal => ({ time, containerId, container: name, ...what }));
      await this.#records.append(record.id, lines);
      for (const { containerId, container, destination, protocol, port, count } of lines.slice(0, EVENTS)) {
        this.#options.events.publish('network', 'refuse', record.id, { name: record.name, type: record.driver, container: containerId, containerName: container, destination, protocol, ...(port === undefined ? {} : { port: String(port) }), count: String(count) });
      }
    }
  }

  #endOf(bridge: string, address: string): number {
    return this.#learned.get(bridge)?.get(address) ?? 0;
  }

  #remember(bridge: string, address: string, seconds: number): void {
    const known = this.#learned.get(bridge) ?? new Map<string, number>();
    this.#learned.set(bridge, known.set(address, Date.now() + seconds * 1000));
  }
}
