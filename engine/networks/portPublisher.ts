import { randomInt } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { CleanupStack } from '../base/cleanup.ts';
import { badRequest, systemCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { portForbidden, portInUse } from './errors.ts';
import type { AttachedLeg, Attachment } from './attachmentStore.ts';
import type { Firewall } from './firewall.ts';
import { canonicalAddress } from './ipv6.ts';
import type { PortBinder, PortHold, PortTarget } from './portHold.ts';
import type { Forward } from './ruleset.ts';

/** A port to publish. `hostIp` empty: every address of the host. `hostPort` 0: choose one. */
export interface PortRequest {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
  readonly hostIp: string;
  readonly hostPort: number;
}

/** A port that is published; one row for each address family, as Docker shows them. */
export type PublishedPort = PortRequest;

const EPHEMERAL = { first: 32768, last: 60999 };
const ATTEMPTS = 200;

/** Publishes ports: binds each on the host (so that nobody else takes it), then redirects it in the kernel. */
export class PortPublisher {
  readonly #firewall: Firewall;
  readonly #log: Log;
  readonly #binder: PortBinder;
  readonly #holds = new Map<string, PortHold[]>();

  constructor(firewall: Firewall, binder: PortBinder, log: Log) {
    this.#firewall = firewall;
    this.#binder = binder;
    this.#log = log;
  }

  /** All of the ports or none. Throws PORT_IN_USE, PORT_FORBIDDEN, BAD_REQUEST. */
  async publish(owner: string, legs: readonly AttachedLeg[], requests: readonly PortRequest[]): Promise<PublishedPort[]> {
    const undo = new CleanupStack();
    const holds: PortHold[] = [];
    const ports: PublishedPort[] = [];
    const keep = (hold: PortHold): void => {
      holds.push(hold);
      undo.defer(() => hold.close());
    };
    const { ip, ip6 } = reachedAt(legs);
    try {
      for (const request of requests) ports.push(...(await bindPort({ binder: this.#binder, owner, request, target: { ip, ip6, containerPort: request.containerPort }, keep })));
      await this.#firewall.addForwards(forwardsOf({ legs, ports }));
      this.#holds.set(owner, [...(this.#holds.get(owner) ?? []), ...holds]);
      return ports;
    } catch (error) {
      await undo.run();
      throw error;
    }
  }

  /** Binds again what was published before the engine restarted; the redirects themselves never stopped. */
  async resume(owner: string, { legs, ports }: Pick<Attachment, 'legs' | 'ports'>): Promise<void> {
    const { ip, ip6 } = reachedAt(legs);
    for (const { protocol, hostIp, hostPort, containerPort } of ports) {
      try {
        const hold = await this.#binder.bind(protocol, hostIp, hostPort, { ip, ip6, containerPort });
        this.#holds.set(owner, [...(this.#holds.get(owner) ?? []), hold]);
      } catch (error) {
        this.#log.warn('a published port could not be bound again', { container: owner, hostIp, hostPort, protocol, error });
      }
    }
  }

  /** Frees the ports; the kernel's redirects go in the background, before any that are published later. */
  async withdraw(owner: string, attachment: Pick<Attachment, 'legs' | 'ports'>): Promise<void> {
    const forwards = forwardsOf(attachment);
    if (forwards.length > 0) this.#firewall.removeForwards(forwards).catch((error: unknown) => this.#log.error('redirects of published ports could not be removed', { container: owner, error }));
    const holds = this.#holds.get(owner) ?? [];
    this.#holds.delete(owner);
    await Promise.all(holds.map((hold) => hold.close()));
  }

  /** Of ports bound by former engines only these stay bound. */
  keepOnly(ports: readonly PublishedPort[]): Promise<void> {
    return this.#binder.keepOnly(ports);
  }

  /** The engine ends: its bound ports are free, unless they outlive it; redirects in the kernel stay. */
  async close(): Promise<void> {
    const all = [...this.#holds.values()].flat();
    this.#holds.clear();
    if (!this.#binder.outlivesEngine) await Promise.all(all.map((hold) => hold.close()));
  }
}

/** The kernel's share of a container's published ports; IPv6 is passed on by the engine where the container has none. */
export function forwardsOf({ legs, ports }: { readonly legs: readonly AttachedLeg[]; readonly ports: readonly PublishedPort[] }): Forward[] {
  const { ip, ip6 } = reachedAt(legs);
  return ports.flatMap((port) => {
    const target = isIPv6(port.hostIp) ? ip6 : ip;
    return target === '' ? [] : [{ ...port, ip: target }];
  });
}

/** Where a container is reached from outside: at the legs that its way out leads through. */
function reachedAt(legs: readonly AttachedLeg[]): { readonly ip: string; readonly ip6: string } {
  return { ip: legs[0]?.ip ?? '', ip6: legs.find(({ gateway6 }) => gateway6 !== '')?.ip6 ?? legs[0]?.ip6 ?? '' };
}

interface Binding {
  readonly binder: PortBinder;
  readonly owner: string;
  readonly request: PortRequest;
  readonly target: PortTarget;
  readonly keep: (hold: PortHold) => void;
}

async function bindPort(binding: Binding): Promise<PublishedPort[]> {
  const { request } = binding;
  const hostIp = canonicalAddress(request.hostIp);
  if (hostIp !== '' && isIP(hostIp) === 0) throw badRequest({ what: 'published port', detail: `"${hostIp}" is not an IP address` });
  const bound = request.hostPort === 0 ? await bindFree(binding, hostIp) : await bindAll(binding, hostIp, request.hostPort);
  const { containerPort, protocol } = request;
  return bound.map((address) => ({ containerPort, protocol, hostIp: address.hostIp, hostPort: address.port }));
}

interface Bound {
  readonly hostIp: string;
  readonly port: number;
}

/** A free port of the ephemeral range, bound. */
async function bindFree(binding: Binding, hostIp: string): Promise<Bound[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await bindAll(binding, hostIp, randomInt(EPHEMERAL.first, EPHEMERAL.last + 1));
    } catch (error) {
      if (!portInUse.is(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Binds a port on one address; where every address is meant (''), for IPv4, and for IPv6 too if the host has it. */
async function bindAll({ binder, owner, request, target, keep }: Binding, hostIp: string, port: number): Promise<Bound[]> {
  const bind = (address: string): Promise<PortHold> =>
    binder.bind(request.protocol, address, port, target).catch((error: unknown) => {
      throw explain(error, owner, { ...request, hostIp: address, hostPort: port });
    });
  const first = await bind(hostIp === '' ? '0.0.0.0' : hostIp);
  if (hostIp !== '') return keep(first), [{ hostIp, port }];
  const second = await bind('::').catch(async (error: unknown) => {
    if (!portInUse.is(error)) return undefined; // no IPv6 on this host
    await first.close();
    throw error;
  });
  keep(first);
  if (second) keep(second);
  return [{ hostIp: '0.0.0.0', port }, ...(second ? [{ hostIp: '::', port }] : [])];
}

function explain(error: unknown, owner: string, { hostIp, hostPort, protocol }: PortRequest): unknown {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') return portInUse({ hostIp, hostPort, protocol, container: owner }, { cause: error });
  if (code === 'EACCES') return portForbidden({ hostIp, hostPort, detail: 'ports below net.ipv4.ip_unprivileged_port_start need root. Publish a port from 1024 on, or let root lower that sysctl' }, { cause: error });
  if (code === 'EADDRNOTAVAIL') return portForbidden({ hostIp, hostPort, detail: 'the host has no such address' }, { cause: error });
  return error;
}
