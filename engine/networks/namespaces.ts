import { ipBatch } from '../host/ip.ts';
import { listNetns, netnsPath, refuseAdvertisements } from '../host/netns.ts';
import { shortRandom } from '../base/ids.ts';

/** One leg of a container in a network: a veth pair, one end (`veth`) in the bridge, the other (`device`) in the namespace. */
export interface Leg {
  readonly veth: string;
  readonly device: string;
  readonly bridge: string;
  readonly ip: string;
  readonly prefix: number;
  /** Default route; empty: none. */
  readonly gateway: string;
  /** The same for IPv6; empty: the network has none. */
  readonly ip6: string;
  readonly prefix6: number;
  readonly gateway6: string;
  readonly mac: string;
  readonly mtu: number;
  /** Its neighbours in the bridge cannot be reached. */
  readonly isolated: boolean;
}

export interface Namespace {
  readonly name: string;
  readonly path: string;
  /** Absent in a namespace that has nothing but its own loopback. */
  readonly leg?: Leg;
}

/** Makes and destroys the network namespaces of one engine instance: one `ip` process for all outer ends, one for each inside. */
export class Namespaces {
  readonly #prefix: string;

  constructor(instance: string) {
    this.#prefix = `berth-${instance}-`;
  }

  /** A namespace for each leg, ready to use; with `of`, one leg's, that of this process. On failure nothing is left. */
  async make(legs: readonly Leg[], of?: number): Promise<Namespace[]> {
    const made = legs.map((leg) => this.#named(leg));
    try {
      await ipBatch(made.flatMap(({ name, leg }) => [addNetns(name, of), ...(leg ? outerEnd(name, leg) : [])]));
      await Promise.all(made.map((one) => settle(one)));
      return made;
    } catch (error) {
      await this.destroy(made);
      throw error;
    }
  }

  /** A namespace with only its own loopback. */
  async makeBare(of?: number): Promise<Namespace> {
    const bare = this.#named(undefined);
    try {
      await ipBatch([addNetns(bare.name, of)]);
      await settle(bare);
      return bare;
    } catch (error) {
      await this.destroy([bare]);
      throw error;
    }
  }

  /** A further leg for a namespace that exists. On failure nothing is left. */
  async addLeg(name: string, leg: Leg): Promise<void> {
    try {
      await ipBatch(outerEnd(name, leg));
      await ipBatch(innerEnd(leg), { netns: name });
    } catch (error) {
      await this.removeLegs([leg]);
      throw error;
    }
  }

  async removeLegs(legs: readonly Pick<Leg, 'veth'>[]): Promise<void> {
    await ipBatch(legs.map(({ veth }) => `link del ${veth}`), { force: true });
  }

  /** Removes namespaces and their links; what is already gone does not matter. */
  async destroy(namespaces: readonly { readonly name: string; readonly legs?: readonly Pick<Leg, 'veth'>[]; readonly leg?: Pick<Leg, 'veth'> }[]): Promise<void> {
    // A namespace that some process still holds keeps its veth: the outer end is removed by name too.
    const lines = namespaces.flatMap(({ name, leg, legs = leg ? [leg] : [] }) => [...legs.map(({ veth }) => `link del ${veth}`), `netns del ${name}`]);
    await ipBatch(lines, { force: true });
  }

  /** Names of this instance's namespaces that exist now. */
  async list(): Promise<string[]> {
    return (await listNetns()).filter((name) => name.startsWith(this.#prefix) && /^[0-9a-f]{10}$/.test(name.slice(this.#prefix.length)));
  }

  #named(leg: Leg | undefined): Namespace {
    const name = `${this.#prefix}${shortRandom(5)}`;
    return { name, path: netnsPath(name), ...(leg ? { leg } : {}) };
  }
}

/** What is to be done inside a new namespace. */
async function settle({ name, path, leg }: Namespace): Promise<void> {
  await refuseAdvertisements(path, leg ? [leg.device] : []);
  await ipBatch(['link set lo up', ...(leg ? innerEnd(leg) : [])], { netns: name });
}

/** A name for the outer end of a veth pair; starts with `bv`. */
export function newVethName(): string {
  return `bv${shortRandom(5)}`;
}

// No IPv6 link-local addresses where the network has no IPv6: the kernel need not probe for duplicates.
function outerEnd(netns: string, leg: Leg): string[] {
  return [
    `link add name ${leg.veth} mtu ${leg.mtu} type veth peer name ${leg.device} address ${leg.mac} mtu ${leg.mtu} netns ${netns}`,
    `link set dev ${leg.veth} addrgenmode none`,
    `link set dev ${leg.veth} master ${leg.bridge} up`,
    // A container may reach itself by a port published on the host: the bridge then sends a frame back where it came from.
    `link set dev ${leg.veth} type bridge_slave hairpin on${leg.isolated ? ' isolated on' : ''}`,
  ];
}

function innerEnd(leg: Leg): string[] {
  return [
    `addr add ${leg.ip}/${leg.prefix} broadcast + dev ${leg.device}`,
    ...(leg.ip6 === '' ? [`link set dev ${leg.device} addrgenmode none`] : [`addr add ${leg.ip6}/${leg.prefix6} dev ${leg.device} nodad`]),
    `link set dev ${leg.device} up`,
    ...defaultRoutes(leg),
  ];
}

/** The commands that lead out through a leg. */
export function defaultRoutes({ gateway, gateway6, device }: Pick<Leg, 'gateway' | 'gateway6' | 'device'>): string[] {
  return [gateway, gateway6].filter((via) => via !== '').map((via) => `route replace default via ${via} dev ${device}`);
}

/** A new namespace by this name, or that of a process. */
function addNetns(name: string, of: number | undefined): string {
  return of === undefined ? `netns add ${name}` : `netns attach ${name} ${of}`;
}
