import type { CacheEntry } from '../cache/stepCache.ts';

/** A layer of a file system that a step works on. */
export interface Layer {
  readonly snapshotId: string;
  /** What it is, for cache keys: a base image's layer by its diffID, one of ours by the snapshot that the cache holds. */
  readonly identity: string;
}

export interface StepResult {
  /** Base first. */
  readonly layers: readonly Layer[];
  /** The step's own entry in the cache; absent for images. */
  readonly entry?: CacheEntry;
}

/** Digest of a chain of layers. */
export function identities(layers: readonly Layer[]): string[] {
  return layers.map((layer) => layer.identity);
}
