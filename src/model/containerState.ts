/** The states of a container, in Docker's words; `unknown` for a word that this version does not know. */
export const containerStates = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead', 'unknown'] as const;
export type ContainerState = (typeof containerStates)[number];

export function toContainerState(word: string): ContainerState {
  const known: readonly string[] = containerStates;
  return known.includes(word) ? (word as ContainerState) : 'unknown';
}

export interface Port {
  readonly privatePort: number;
  readonly publicPort: number;
  readonly protocol: string;
  readonly address: string;
}

/** What the views know of a container. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  /** Unix seconds. */
  readonly created: number;
  readonly ports: readonly Port[];
  readonly labels: Readonly<Record<string, string>>;
}

export const shortId = (id: string): string => id.slice(0, 12);
