/** One thing that is not as it should be. */
export interface Fault {
  readonly code: string;
  readonly kind: 'container' | 'network' | 'image' | 'layer' | 'volume' | 'record' | 'host';
  /** Which one, as people name it. */
  readonly object: string;
  readonly seen: string;
  readonly advice: string;
  /** Cannot be something under way: one look is enough. */
  readonly certain?: boolean;
  /** Puts it in order without losing data; absent: people have to decide. Idempotent. */
  readonly repair?: () => Promise<void>;
}

export interface InspectOptions {
  /** Also digest the layers, which takes as long as reading them. */
  readonly layers: boolean;
  readonly signal: AbortSignal;
}

export interface Inspection {
  readonly faults: readonly Fault[];
  /** How many of what was looked at. */
  readonly looked: Readonly<Record<string, number>>;
}

/** Compares what a service remembers with what there is. */
export interface Inspector {
  inspect(options: InspectOptions): Promise<Inspection>;
}
