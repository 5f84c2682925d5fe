import type { DecodedPacket } from 'dns-packet';
import type { Log } from '../../base/log.ts';
import type { Attachment } from '../attachmentStore.ts';
import type { NetworkRecord } from '../networkStore.ts';
import type { EgressControl } from '../egress/egressControl.ts';
import { allowsName } from '../egress/egressPolicy.ts';
import { addressesIn, answerFrom, parseQuery, rcode, refuse } from './answer.ts';
import type { Transport } from './answer.ts';
import { openDnsServer } from './dnsServer.ts';
import type { DnsServer } from './dnsServer.ts';
import { askUpstream } from './upstream.ts';
import { zoneOf } from './zone.ts';

/** Questions of one container on their way to other servers at one time; more are refused, so that it cannot exhaust the engine's sockets. */
const AT_ONCE = 64;

export interface NetworkNamesOptions {
  readonly log: Log;
  readonly attachments: () => readonly Attachment[];
  /** The servers that this host asks. */
  readonly servers: () => readonly string[];
  readonly network: (id: string) => NetworkRecord | undefined;
  readonly egress: Pick<EgressControl, 'policyOf' | 'learn' | 'refusedName'>;
}

/**
 * Names in user-defined networks: a DNS server on the gateway's address of each. A container is known by the address that it asks from; it is
 * told of the networks that it is in, and everything else is asked for elsewhere.
 */
export class NetworkNames {
  readonly #options: NetworkNamesOptions;
  readonly #servers = new Map<string, { readonly record: NetworkRecord; readonly server: DnsServer }>();
  #turn = 0;
  readonly #asking = new Map<string, number>();

  constructor(options: NetworkNamesOptions) {
    this.#options = options;
  }

  /** Begins to answer in a network whose bridge is there; a failure is logged: a network without names is better than none. */
  async open(record: NetworkRecord): Promise<void> {
    try {
      const server = await openDnsServer(record.gateway, (message, source, transport) => this.#respond(record.id, message, source, transport));
      this.#servers.set(record.id, { record, server });
    } catch (error) {
      this.#options.log.error('names cannot be resolved in a network', { network: record.name, error });
    }
  }

  async close(networkId: string): Promise<void> {
    const open = this.#servers.get(networkId);
    this.#servers.delete(networkId);
    await open?.server.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((id) => this.close(id)));
  }

  /** Where the server of a network listens; `undefined`: it has none. */
  portOf(networkId: string): number | undefined {
    return this.#servers.get(networkId)?.server.port;
  }

  async #respond(networkId: string, message: Buffer, source: string, transport: Transport): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    if (!query) return undefined;
    const attachments = this.#options.attachments();
    const client = attachments.find(({ legs }) => legs.some((leg) => leg.networkId === networkId && leg.ip === source));
    if (!client) return refuse(query, rcode.refused);
    const answer = answerFrom(zoneOf(client, attachments, new Set(this.#servers.keys())), query, transport, this.#turn++);
    return answer ?? this.#outside(this.#waysOf(client, networkId), client, query, { message, transport });
  }

  /**
   * The networks that lead a client out. In one with an allow-list that alone counts: who asks there may give itself out for a neighbour that is in
   * others too.
   */
  #waysOf({ legs }: Attachment, networkId: string): NetworkRecord[] {
    const { network, egress } = this.#options;
    const here = network(networkId);
    if (here && egress.policyOf(here)) return [here];
    return legs.flatMap((leg) => network(leg.networkId) ?? []).filter(({ internal }) => !internal);
  }

  /** What is not a container's name, as far as the client's ways out let it ask: all of it through an open one, else the names on a list, else none. */
  async #outside(ways: readonly NetworkRecord[], client: Attachment, query: DecodedPacket, { message, transport }: { readonly message: Buffer; readonly transport: Transport }): Promise<Buffer> {
    const { egress } = this.#options;
    const name = query.questions?.[0]?.name ?? '';
    const listed = ways.map((record) => ({ record, policy: egress.policyOf(record) }));
    const allowing = listed.filter(({ policy }) => policy && allowsName(policy, name));
    if (ways.length > 0 && allowing.length === 0 && listed.every(({ policy }) => policy)) {
      for (const { record } of listed) egress.refusedName(record, client, name);
      // Not "refused", on which some resolvers wait and ask again.
      return refuse(query, rcode.noSuchName);
    }
    const answer = ways.length === 0 ? undefined : await this.#forward(client, message, transport);
    if (!answer) return refuse(query, rcode.serverFailure);
    const addresses = allowing.length === 0 ? [] : addressesIn(answer).filter(({ address }) => !isSpecial(address));
    for (const { record } of allowing) await egress.learn(record, addresses);
    return answer;
  }

  async #forward(client: Attachment, message: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const { containerId } = client;
    const asking = this.#asking.get(containerId) ?? 0;
    if (asking >= AT_ONCE) return undefined;
    this.#asking.set(containerId, asking + 1);
    try {
      return await askUpstream(client.dns.length > 0 ? client.dns : this.#options.servers(), message, transport);
    } finally {
      const left = (this.#asking.get(containerId) ?? 1) - 1;
      if (left > 0) this.#asking.set(containerId, left);
      else this.#asking.delete(containerId);
    }
  }
}

/** Addresses that a name does not open, whatever its owner says: a host's own, and those of its link, where clouds keep a machine's secrets. */
function isSpecial(address: string): boolean {
  return /^(0|127|22[4-9]|23\d|24\d|25[0-5])\.|^169\.254\.|^(::1?$|::ffff:|fe[89ab]|ff)/.test(address);
}
