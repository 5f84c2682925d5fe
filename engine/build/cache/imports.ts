import type { Digest } from '../../content/digest.ts';
import type { CacheRecord } from '../../content/buildCache.ts';
import type { CachedLayer, OpenedCache } from '../ports.ts';

/** What an imported cache has for a step: its layers on top of the base image, base first. */
export interface ImportedStep {
  /** The first is the one that what comes behind builds on. */
  readonly keys: readonly [string, ...string[]];
  readonly layers: readonly CachedLayer[];
  /** Whether the last layer is the step's own. */
  readonly made: boolean;
  readonly created: string;
}

/** The caches that a build takes steps from, in the order in which it names them. */
export class Imports {
  readonly #caches: ReadonlyArray<{ readonly opened: OpenedCache; readonly byKey: ReadonlyMap<string, CacheRecord> }>;

  constructor(caches: readonly OpenedCache[]) {
    this.#caches = caches.map((opened) => ({ opened, byKey: new Map(opened.document.records.flatMap((record) => record.keys.map((key) => [key, record] as const))) }));
  }

  /** What there is under a key. Nothing is fetched for it. */
  find(key: string): ImportedStep | undefined {
    for (const { opened, byKey } of this.#caches) {
      const record = byKey.get(key);
      if (record) return { keys: record.keys, layers: record.layers.map((index) => opened.layer(index)), made: record.made, created: record.created };
    }
    return undefined;
  }
}

/** The layer of an imported step itself, as its entry names it. */
export function ownLayer({ layers, made }: ImportedStep): string | null {
  const digest: Digest | undefined = made ? layers.at(-1)?.diffId : undefined;
  return digest === undefined ? null : digest.slice('sha256:'.length);
}

export type { CachedLayer };
