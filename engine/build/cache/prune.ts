import type { SnapshotStore } from '../../snapshots/types.ts';
import type { SnapshotCollector } from '../ports.ts';
import type { StepCache, UsedCacheEntry } from './stepCache.ts';

export interface PruneOptions {
  /** Only entries not used since (milliseconds since 1970). */
  readonly unusedSince?: number;
  /** Keep the most recently used entries as long as their layers take no more than this many bytes. */
  readonly keepBytes?: number;
}

export interface PruneReport {
  /** Keys of the entries that were dropped. */
  readonly deleted: readonly string[];
  /** Bytes. */
  readonly reclaimed: number;
}

interface PruneParts {
  readonly cache: StepCache;
  readonly snapshots: SnapshotStore;
  readonly collector: SnapshotCollector;
  readonly isHeld: (snapshotId: string) => boolean;
}

/** Drops entries of the cache, and the layers that nothing else needs then. */
export async function pruneCache(parts: PruneParts, options: PruneOptions): Promise<PruneReport> {
  const doomed = choose(parts, options);
  for (const entry of doomed) await parts.cache.remove(entry.key);
  const kept = new Set(parts.cache.list().map((entry) => entry.snapshotId));
  const candidates = new Set(doomed.flatMap(({ snapshotId }) => (snapshotId !== null && !kept.has(snapshotId) && !parts.isHeld(snapshotId) ? [snapshotId] : [])));
  const reclaimed = candidates.size === 0 ? 0 : await parts.collector.collect([...candidates]);
  return { deleted: doomed.map((entry) => entry.key), reclaimed };
}

function choose({ cache, snapshots, isHeld }: PruneParts, options: PruneOptions): UsedCacheEntry[] {
  let budget = options.keepBytes ?? 0;
  const counted = new Set<string>();
  const newestFirst = cache.list().sort((a, b) => b.lastUsed - a.lastUsed);
  return newestFirst.filter((entry) => {
    const { snapshotId } = entry;
    if (snapshotId !== null && isHeld(snapshotId)) return false;
    if (options.unusedSince !== undefined && entry.lastUsed >= options.unusedSince) return false;
    if (options.keepBytes === undefined) return true;
    const size = snapshotId === null || counted.has(snapshotId) ? 0 : (snapshots.get(snapshotId)?.size ?? 0);
    if (snapshotId !== null) counted.add(snapshotId);
    budget -= size;
    return budget < 0;
  });
}
