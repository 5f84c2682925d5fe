import { CleanupStack } from '../../base/cleanup.ts';
import { asBerthError } from '../../base/errors.ts';
import { cacheLayerLost } from '../../content/buildCache.ts';
import type { Platform } from '../../base/platform.ts';
import type { RegistryAuths } from '../../registry/auth.ts';
import type { BuildCaches, CacheSource, OpenedCache } from '../ports.ts';
import type { BuildContext } from '../request.ts';
import { Imports } from './imports.ts';

export interface WantedCaches {
  readonly sources: readonly CacheSource[];
  /** What is built: an index may have the cache of each inside its images. */
  readonly platforms: readonly Platform[];
  readonly auths: RegistryAuths | undefined;
}

/** Caches of other machines while a build uses them. */
export class OpenImports implements AsyncDisposable {
  readonly #cleanup: CleanupStack;
  readonly #ctx: BuildContext;
  #caches: readonly OpenedCache[];

  private constructor(caches: readonly OpenedCache[], cleanup: CleanupStack, ctx: BuildContext) {
    this.#caches = caches;
    this.#cleanup = cleanup;
    this.#ctx = ctx;
  }

  /** Opens what can be opened; the rest is warned of, for without it the build only takes longer. */
  static async open(caches: BuildCaches, { sources, platforms, auths }: WantedCaches, ctx: BuildContext): Promise<OpenImports> {
    await using cleanup = new CleanupStack();
    const opened = await Promise.all(
      sources.map(async (source): Promise<readonly OpenedCache[]> => {
        try {
          const found = await caches.open(source, platforms, auths, ctx.signal);
          for (const one of found) cleanup.defer(async () => one[Symbol.asyncDispose]());
          return found;
        } catch (error) {
          ctx.signal.throwIfAborted();
          warn(ctx, source.type === 'local' ? source.folder : source.ref, asBerthError(error).message);
          return [];
        }
      }),
    );
    return new OpenImports(opened.flat(), cleanup.move(), ctx);
  }

  /** Does the work with what the caches have. One that cannot give a layer which it promised is left out, and the work is begun again. */
  async use<T>(work: (imports: Imports | undefined) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work(this.imports);
      } catch (error) {
        const cache = cacheLayerLost.is(error) ? this.#caches.find(({ name }) => name === asBerthError(error).params['cache']) : undefined;
        if (!cache) throw error;
        warn(this.#ctx, cache.name, asBerthError(error).message);
        this.#caches = this.#caches.filter(({ name }) => name !== cache.name);
      }
    }
  }

  get imports(): Imports | undefined {
    return this.#caches.length === 0 ? undefined : new Imports(this.#caches);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }
}

function warn(ctx: BuildContext, cache: string, detail: string): void {
  ctx.onEvent?.({ type: 'warning', message: `the build cache ${cache} is not used: ${detail}` });
}
