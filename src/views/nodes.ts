/** What the trees hand to commands: who is meant, not what was known of it when the row was drawn. */
export interface ContainerNode {
  readonly kind: 'container';
  readonly id: string;
}

export interface DevContainerNode {
  readonly kind: 'devContainer';
  readonly key: string;
}

/** The row above a dev container's ports. */
export interface PortsNode {
  readonly kind: 'ports';
  readonly key: string;
}

export interface PortNode {
  readonly kind: 'port';
  readonly containerId: string;
  /** Which of the container's ports: a `portKey`. */
  readonly port: string;
}

export type Node = ContainerNode | DevContainerNode;

/** Commands get anything from the editor and from other extensions. */
export function isNode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return (value.kind === 'container' && 'id' in value) || (value.kind === 'devContainer' && 'key' in value);
}

export function isPortNode(value: unknown): value is PortNode {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'port' && 'containerId' in value && 'port' in value;
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
