import type { DevPort } from '../../engine/api/berth/port.ts';
import { Emitter } from '../base/emitter.ts';

/** The ports of running dev containers, as the engine told them. Announces the containers whose ports changed. */
export class PortStore {
  readonly #ports = new Map<string, readonly DevPort[]>();
  readonly #here: (port: DevPort) => DevPort;
  readonly #changes = new Emitter<string>();

  readonly onChange = (listener: (containerId: string) => void) => this.#changes.on(listener);

  /** `here`: a port as it is reached from this machine, when the engine is on another. */
  constructor(here: (port: DevPort) => DevPort = (port) => port) {
    this.#here = here;
  }

  of(containerId: string): readonly DevPort[] {
    return (this.#ports.get(containerId) ?? []).map(this.#here);
  }

  get(containerId: string, key: string): DevPort | undefined {
    return this.of(containerId).find((port) => portKey(port) === key);
  }

  /** Replaces everything: after connecting, and with nothing after the connection was lost. */
  replaceAll(ports: readonly DevPort[]): void {
    const ids = new Set([...this.#ports.keys(), ...ports.map(({ containerId }) => containerId)]);
    for (const id of ids) this.put(id, ports.filter(({ containerId }) => containerId === id));
  }

  /** The ports of one container as they are now. */
  put(containerId: string, ports: readonly DevPort[]): void {
    if (JSON.stringify(this.#ports.get(containerId) ?? []) === JSON.stringify(ports)) return;
    if (ports.length === 0) this.#ports.delete(containerId);
    else this.#ports.set(containerId, ports);
    this.#changes.fire(containerId);
  }

  /** They may be reached elsewhere now. */
  recheck(): void {
    for (const containerId of this.#ports.keys()) this.#changes.fire(containerId);
  }
}

/** A port among those of its container. */
export const portKey = ({ host, port }: Pick<DevPort, 'host' | 'port'>): string => `${host}:${port}`;

/** What people call it: `3000`, `db:5432`. */
export const portName = ({ host, port }: Pick<DevPort, 'host' | 'port'>): string => (host === '' ? String(port) : portKey({ host, port }));

/** `127.0.0.1:3000`; undefined: it is not reached from outside. */
export function portAddress({ local }: Pick<DevPort, 'local'>): string | undefined {
  return local && `${local.host.includes(':') ? `[${local.host}]` : local.host}:${local.port}`;
}

/** Its address for a browser. */
export function portUrl(port: Pick<DevPort, 'local' | 'protocol'>): string | undefined {
  const address = portAddress(port);
  return address === undefined ? undefined : `${port.protocol ?? 'http'}://${address}/`;
}
