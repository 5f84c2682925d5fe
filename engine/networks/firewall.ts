import { z } from 'zod';
import { applyNft, listNftSets, nftMaps, removeNftTable } from '../host/nft.ts';
import type { NftElement } from '../host/nft.ts';
import { learnedText } from './egress/egressRules.ts';
import type { RulesetEgress } from './egress/egressRules.ts';
import { forwardsText, rulesetText, tableName } from './ruleset.ts';
import type { Forward, RulesetNetwork } from './ruleset.ts';

/** What the kernel knows of allow-lists and the rewriting of the table would lose. */
export interface FirewallEgress {
  beforeRewrite(): Promise<void>;
  /** Addresses of allowed names, of a network by its bridge. */
  learned(bridge: string): RulesetEgress['learned'];
}

/** The engine's nft table and what should be in it. Changes are applied one after the other, each in one transaction. */
export class Firewall {
  readonly table: string;
  readonly #forwards = new Map<string, Forward>();
  #networks: readonly RulesetNetwork[] = [];
  #queue: Promise<void> = Promise.resolve();
  #failover = true;
  egress: FirewallEgress | undefined;

  constructor(instance: string) {
    this.table = tableName(instance);
  }

  /** Writes the whole table: these networks, and the ports published so far. */
  setNetworks(networks: readonly RulesetNetwork[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#networks = networks;
      await this.#rewrite().catch(async (error: unknown) => {
        // A kernel without nft's `socket`: what is wrong otherwise is wrong without it too, and thrown then.
        if (!this.#failover || !networks.some(({ names }) => names)) throw error;
        this.#failover = false;
        await this.#rewrite().catch((again: unknown) => {
          this.#failover = true;
          throw again;
        });
      });
    });
  }

  /** Whether the kernel asks others for names while no engine runs: see ruleset.ts. Known after `setNetworks`. */
  get failover(): boolean {
    return this.#failover;
  }

  /** Publishes ports; throws what nft said, and then none is published. */
  addForwards(forwards: readonly Forward[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const forward of forwards) this.#forwards.set(keyOf(forward), forward);
      await this.#apply('add', forwards).catch((error: unknown) => {
        for (const forward of forwards) this.#forwards.delete(keyOf(forward));
        throw error;
      });
    });
  }

  removeForwards(forwards: readonly Forward[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const forward of forwards) this.#forwards.delete(keyOf(forward));
      await this.#apply('delete', forwards);
    });
  }

  /** Lets the containers of a network with an allow-list reach these addresses for a time. */
  learn(bridge: string, learned: RulesetEgress['learned']): Promise<void> {
    return this.#inTurn(() => applyNft(learnedText(this.table, bridge, learned)).catch(() => this.#rewrite()));
  }

  /** What the kernel has in sets of the table; `undefined`: somebody has removed the table. */
  readSets(names: readonly string[]): Promise<NftElement[] | undefined> {
    return listNftSets(this.table, names);
  }

  /** Writes the table again as it should be. */
  restore(): Promise<void> {
    return this.#inTurn(() => this.#rewrite());
  }

  /** Does something that must not meet a rewriting of the table. */
  undisturbed<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(work);
  }

  /** Resolves when every change so far is applied. */
  settled(): Promise<void> {
    return this.#queue;
  }

  /** Ports known from before a restart: written by the next `setNetworks`. */
  remember(forwards: readonly Forward[]): void {
    for (const forward of forwards) this.#forwards.set(keyOf(forward), forward);
  }

  /** What the kernel's table publishes, as `forwardText` writes it; `undefined`: the table is gone. */
  async published(): Promise<ReadonlySet<string> | undefined> {
    const maps = await nftMaps(this.table);
    return maps && new Set([...maps].flatMap(([name, elements]) => elements.flatMap((element) => elementText(name, element) ?? [])));
  }

  removeTable(): Promise<void> {
    return this.#inTurn(() => removeNftTable(this.table));
  }

  async #apply(verb: 'add' | 'delete', forwards: readonly Forward[]): Promise<void> {
    if (forwards.length === 0) return;
    // Someone may have flushed the host's ruleset: the whole table is written then.
    await applyNft(forwardsText(verb, this.table, forwards)).catch(() => this.#rewrite());
  }

  async #rewrite(): Promise<void> {
    const restricted = this.#networks.some(({ egress }) => egress);
    // Counters that cannot be read must not keep rules from being written.
    if (restricted) await this.egress?.beforeRewrite().catch(() => undefined);
    const networks = this.#networks.map((network) => (network.egress ? { ...network, egress: { ...network.egress, learned: this.egress?.learned(network.bridge) ?? [] } } : network));
    await applyNft(rulesetText(this.table, networks, [...this.#forwards.values()], this.#failover));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.then(() => undefined, () => undefined);
    return result;
  }
}

function keyOf(forward: Forward): string {
  return `${forward.protocol} ${forward.hostIp} ${forward.hostPort}`;
}

const numberOrLast = z.union([z.number(), z.object({ concat: z.array(z.union([z.string(), z.number()])) }).transform(({ concat }) => Number(concat.at(-1)))]);
const elementSchema = z.tuple([numberOrLast, z.object({ concat: z.tuple([z.string(), z.number()]) })]);

/** A published port as a line for people, and to compare by. */
export function forwardText({ protocol, hostPort, ip, containerPort }: Forward): string {
  return `${protocol} ${hostPort} → ${ip}:${containerPort}`;
}

/** An element of one of the maps of published ports (`tcp_any`, `udp_one`, …), likewise. */
function elementText(map: string, element: unknown): string | undefined {
  const protocol = /^(tcp|udp)6?_/.exec(map)?.[1];
  const parsed = elementSchema.safeParse(element);
  if (protocol === undefined || !parsed.success) return undefined;
  const [hostPort, { concat }] = parsed.data;
  return `${protocol} ${hostPort} → ${concat[0]}:${concat[1]}`;
}
