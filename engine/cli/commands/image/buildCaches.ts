import { resolve } from 'node:path';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import { CacheTypeUnsupported, parseCacheFrom, parseCacheTo } from '../../../api/docker/build/cacheFlags.ts';
import { defineError } from '../../../base/errors.ts';

export interface BuildCacheOptions {
  /** Those in folders are of this machine. */
  readonly from: NonNullable<BuildRequestBody['cacheFrom']>;
  readonly to: NonNullable<BuildRequestBody['cacheTo']>;
  /** Where a cache in a folder goes on this machine, and its name there. */
  readonly folder?: { readonly dest: string; readonly tag: string };
}

const typeUnsupported = defineError<{ flag: string; type: string }>('BUILD_CACHE_TYPE', 400, (p) => `${p.flag}: build caches of type ${p.type} are not supported. Those of type registry, local and inline (--cache-to) are: keep a folder of type local where ${p.type} would have kept the cache`);

/** What `--cache-from` and `--cache-to` ask for. */
export function parseCaches(from: readonly string[], to: readonly string[], cwd: string): BuildCacheOptions {
  try {
    const targets = to.map(parseCacheTo);
    const folders = targets.flatMap(({ local }) => (local ? [{ ...local, dest: resolve(cwd, local.dest) }] : []));
    if (folders.length > 1) throw new Error('--cache-to: only one of type local');
    const [folder] = folders;
    return { from: from.flatMap((text) => parseCacheFrom(text, (path) => resolve(cwd, path))), to: targets.map(({ target }) => target), ...(folder ? { folder } : {}) };
  } catch (error) {
    if (error instanceof CacheTypeUnsupported) throw typeUnsupported({ flag: error.flag, type: error.type }, { cause: error });
    throw error;
  }
}
