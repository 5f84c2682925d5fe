import { asBerthError } from '../../base/errors.ts';
import { cacheNotWritten } from '../errors.ts';
import { reporting } from '../outputs.ts';
import type { Outputs } from '../outputs.ts';
import type { BuildCaches, CacheToWrite, ExportedLayer } from '../ports.ts';
import type { BuildContext, BuildRequest, CacheMode } from '../request.ts';
import type { Imports } from './imports.ts';

/** Writes the caches that are asked for in registries. Throws BUILD_CACHE_NOT_WRITTEN. */
export async function writeCaches(caches: BuildCaches, outputs: readonly Outputs[], { cacheTo = [], auths }: BuildRequest, imports: Imports | undefined, ctx: BuildContext): Promise<void> {
  for (const target of cacheTo) {
    if (target.type !== 'registry') continue;
    try {
      await caches.push(target.ref, await cacheOf(outputs, target.mode, imports), auths, reporting(ctx));
    } catch (error) {
      ctx.signal.throwIfAborted();
      const failure = cacheNotWritten({ cache: target.ref, detail: asBerthError(error).message }, { cause: error });
      if (!target.ignoreError) throw failure;
      ctx.onEvent?.({ type: 'warning', message: failure.message });
    }
  }
}

/** The cache that goes along with files, every layer of it here: the caches that have them are closed when the build ends. */
export async function localCache(outputs: readonly Outputs[], { cacheTo = [] }: BuildRequest, imports: Imports | undefined, hold: (snapshotId: string) => void, ctx: BuildContext): Promise<CacheToWrite | undefined> {
  const local = cacheTo.find((target) => target.type === 'local');
  if (!local) return undefined;
  const cache = await cacheOf(outputs, local.mode, imports);
  const layers: ExportedLayer[] = [];
  for (const layer of cache.layers) {
    const snapshotId = 'snapshotId' in layer ? layer.snapshotId : (layer.here() ?? (await layer.fetch(reporting(ctx))));
    hold(snapshotId);
    layers.push({ snapshotId });
  }
  return { ...cache, layers };
}

/** The steps of all platforms; what several have in common is there once. */
async function cacheOf(outputs: readonly Outputs[], mode: CacheMode, imports: Imports | undefined): Promise<CacheToWrite> {
  const layers: ExportedLayer[] = [];
  const known = new Map<string, number>();
  const records = new Map<string, CacheToWrite['records'][number]>();
  for (const output of outputs) {
    const one = await output.cache(mode, imports);
    const places = one.layers.map((layer) => {
      const name = 'snapshotId' in layer ? layer.snapshotId : layer.diffId;
      const place = known.get(name) ?? layers.push(layer) - 1;
      known.set(name, place);
      return place;
    });
    for (const record of one.records) records.set(record.keys.join(), { ...record, layers: record.layers.map((index) => places[index] ?? 0) });
  }
  return { records: [...records.values()], layers };
}
