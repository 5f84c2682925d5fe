/** What the trees hand to commands: who is meant, not what was known of it when the row was drawn. `host`: whose engine; empty: this machine's. */
export interface ContainerNode {
  readonly kind: 'container';
  readonly host: string;
  readonly id: string;
}

export interface DevContainerNode {
  readonly kind: 'devContainer';
  readonly host: string;
  readonly key: string;
}

/** The row above a dev container's ports. */
export interface PortsNode {
  readonly kind: 'ports';
  readonly host: string;
  readonly key: string;
}

export interface PortNode {
  readonly kind: 'port';
  readonly host: string;
  readonly containerId: string;
  /** Which of the container's ports: a `portKey`. */
  readonly port: string;
}

/** The row above what one of several engines has. */
export interface EngineNode {
  readonly kind: 'engine';
  readonly host: string;
}

export type Node = ContainerNode | DevContainerNode;

/** Commands get anything from the editor and from other extensions. */
export function isNode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('host' in value)) return false;
  return (value.kind === 'container' && 'id' in value) || (value.kind === 'devContainer' && 'key' in value);
}

export function isPortNode(value: unknown): value is PortNode {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'port' && 'host' in value && 'containerId' in value && 'port' in value;
}

export function isEngineNode(value: object): value is EngineNode {
  return 'kind' in value && value.kind === 'engine' && 'host' in value;
}

/** The same object for the same key, as trees know their rows by identity; forgets what is not asked for any more. */
export class NodeCache<T> {
  readonly #make: (key: string) => T;
  #nodes = new Map<string, T>();

  constructor(make: (key: string) => T) {
    this.#make = make;
  }

  get(key: string): T | undefined {
    return this.#nodes.get(key);
  }

  /** The nodes of exactly these keys. */
  keep(keys: readonly string[]): T[] {
    this.#nodes = new Map(keys.map((key) => [key, this.#nodes.get(key) ?? this.#make(key)]));
    return [...this.#nodes.values()];
  }
}

/** The nodes of every engine's rows. */
export class EngineNodes<T> {
  readonly #make: (host: string, key: string) => T;
  readonly #caches = new Map<string, NodeCache<T>>();

  constructor(make: (host: string, key: string) => T) {
    this.#make = make;
  }

  of(host: string): NodeCache<T> {
    const cache = this.#caches.get(host) ?? new NodeCache((key) => this.#make(host, key));
    this.#caches.set(host, cache);
    return cache;
  }
}
