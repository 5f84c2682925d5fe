import { formatAddress, networkSize, parseAddress, contains } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';

/**
 * Hands out the addresses of one network, going round: an address given back is the last to be given out again, so late packets for
 * its former owner meet nobody. The network's own, the gateway's and the broadcast address are never given.
 */
export class AddressPool {
  readonly #network: Cidr;
  readonly #used = new Set<number>();
  #next: number;

  constructor(network: Cidr, gateway: string) {
    this.#network = network;
    const last = network.base + networkSize(network.prefix) - 1;
    for (const value of [network.base, last, parseAddress(gateway)]) if (value !== undefined) this.#used.add(value);
    this.#next = network.base + 1;
  }

  /** A free address; `undefined` when all are in use. */
  take(): string | undefined {
    const size = networkSize(this.#network.prefix);
    for (let tried = 0; tried < size; tried++) {
      const candidate = this.#next;
      this.#next = this.#network.base + ((candidate - this.#network.base + 1) % size);
      if (this.#used.has(candidate)) continue;
      this.#used.add(candidate);
      return formatAddress(candidate);
    }
    return undefined;
  }

  /** Takes this very address; false when it is in use or not of this network. */
  reserve(address: string): boolean {
    const value = parseAddress(address);
    if (value === undefined || !contains(this.#network, value) || this.#used.has(value)) return false;
    this.#used.add(value);
    return true;
  }

  giveBack(address: string): void {
    const value = parseAddress(address);
    if (value !== undefined) this.#used.delete(value);
  }
}
