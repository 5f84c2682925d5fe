import { formatAddress, networkSize, parseAddress } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';
import { formatAddress6, networkSize6, parseAddress6 } from './ipv6.ts';
import type { Cidr6 } from './ipv6.ts';

interface Family {
  parse(text: string): bigint | undefined;
  format(value: bigint): string;
}

interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

const FOUR: Family = { parse: (text) => (parseAddress(text) === undefined ? undefined : BigInt(parseAddress(text) ?? 0)), format: (value) => formatAddress(Number(value)) };
const SIX: Family = { parse: parseAddress6, format: formatAddress6 };

export interface PoolOptions<C> {
  /** Where addresses are chosen from; default: the whole network. Wished ones may be outside of it. */
  readonly range?: C;
  /** Never given: the gateway, and others that belong to somebody else. */
  readonly taken?: readonly string[];
}

/**
 * Hands out the addresses of one network, going round: an address given back is the last to be given out again, so late packets for
 * its former owner meet nobody. The network's own, the gateway's and the broadcast address are never given.
 */
export class AddressPool {
  readonly #family: Family;
  readonly #network: Span;
  readonly #range: Span;
  readonly #used = new Set<bigint>();
  #next: bigint;

  static four(network: Cidr, { range, taken = [] }: PoolOptions<Cidr> = {}): AddressPool {
    const span = spanFour(network);
    return new AddressPool(FOUR, span, range ? spanFour(range) : span, [FOUR.format(span.last), ...taken]);
  }

  static six(network: Cidr6, { range, taken = [] }: PoolOptions<Cidr6> = {}): AddressPool {
    const span = spanSix(network);
    return new AddressPool(SIX, span, range ? spanSix(range) : span, taken);
  }

  private constructor(family: Family, network: Span, range: Span, taken: readonly string[]) {
    this.#family = family;
    this.#network = network;
    this.#range = range;
    this.#used.add(network.first);
    for (const text of taken) {
      const value = family.parse(text);
      if (value !== undefined) this.#used.add(value);
    }
    this.#next = range.first;
  }

  /** A free address; `undefined` when all are in use. */
  take(): string | undefined {
    const { first, last } = this.#range;
    // Of more than are in use one is free.
    for (let tried = 0n; tried <= last - first && tried <= BigInt(this.#used.size); tried++) {
      const candidate = this.#next;
      this.#next = candidate === last ? first : candidate + 1n;
      if (this.#used.has(candidate)) continue;
      this.#used.add(candidate);
      return this.#family.format(candidate);
    }
    return undefined;
  }

  /** Takes this very address; false when it is in use or not of this network. */
  reserve(address: string): boolean {
    const value = this.#family.parse(address);
    if (value === undefined || value < this.#network.first || value > this.#network.last || this.#used.has(value)) return false;
    this.#used.add(value);
    return true;
  }

  giveBack(address: string): void {
    const value = this.#family.parse(address);
    if (value !== undefined) this.#used.delete(value);
  }
}

function spanFour({ base, prefix }: Cidr): Span {
  return { first: BigInt(base), last: BigInt(base + networkSize(prefix) - 1) };
}

function spanSix({ base, prefix }: Cidr6): Span {
  return { first: base, last: base + networkSize6(prefix) - 1n };
}
