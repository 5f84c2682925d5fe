import type { CachedLayer, ImportedStep } from '../cache/imports.ts';
import type { CacheEntry } from '../cache/stepCache.ts';

/** A layer of a file system that a step works on. */
export interface Layer {
  readonly snapshotId: string;
  /** What it is, for cache keys: a layer of a base image or of an imported cache by its diffID, one of ours by the snapshot that the cache holds. */
  readonly identity: string;
  /** Of an image that the stage starts from. */
  readonly isBase: boolean;
}

/** A layer that an imported cache has, and that is got when its files are needed. */
export interface LayerElsewhere {
  readonly elsewhere: CachedLayer;
  readonly isBase: false;
}

export type AnyLayer = Layer | LayerElsewhere;

export interface StepResult {
  /** Base first. */
  readonly layers: readonly AnyLayer[];
  /** The step's own entry in the cache; absent for images. One that was imported names its layer by the diffID. */
  readonly entry?: Pick<CacheEntry, 'snapshotId' | 'created' | 'content'>;
  /** Those under which an imported cache had it. */
  readonly keys?: ImportedStep['keys'];
}

/** Digest of a chain of layers. */
export function identities(layers: readonly Layer[]): string[] {
  return layers.map((layer) => layer.identity);
}

/** The layers if all of them are here. */
export function present(layers: readonly AnyLayer[]): Layer[] | undefined {
  const here = layers.map((layer) => {
    if (!('elsewhere' in layer)) return layer;
    const snapshotId = layer.elsewhere.here();
    return snapshotId === undefined ? undefined : { snapshotId, identity: layer.elsewhere.diffId, isBase: false };
  });
  return here.every((layer) => layer !== undefined) ? here : undefined;
}
