import { INLINE_CACHE } from '../content/buildCache.ts';
import type { ImageConfig } from '../content/oci.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { ImageCache } from './cache/imageCache.ts';
import type { Imports } from './cache/imports.ts';
import { cacheToWrite, inlineRecords } from './cache/records.ts';
import { formatPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import type { ExportedImage } from './exports.ts';
import { imageKey, outputConfig } from './outputImage.ts';
import type { Planned } from './planned.ts';
import type { BuildPlan } from './plan/graph.ts';
import type { BuildImages, CacheToWrite } from './ports.ts';
import type { Annotations, BuildContext, BuildRequest, CacheMode, ImageAnnotations } from './request.ts';
import type { Solved } from './solve/solving.ts';

interface OutputParts {
  readonly images: BuildImages;
  readonly snapshots: SnapshotStore;
  readonly known: ImageCache;
}

/** What becomes of the results of one plan: an image, files to fetch, a cache for others. */
export class Outputs {
  readonly #parts: OutputParts;
  readonly #plan: BuildPlan;
  readonly #platform: Platform;
  readonly #solved: Solved;
  readonly #request: BuildRequest;

  constructor(parts: OutputParts, { plan, options }: Planned, solved: Solved, request: BuildRequest) {
    this.#parts = parts;
    this.#plan = plan;
    this.#platform = options.platform;
    this.#solved = solved;
    this.#request = request;
  }

  /** The image of these results: the one made before if nothing differs, else a new one. */
  async image(tags: readonly string[]): Promise<string> {
    const { images, known } = this.#parts;
    const annotations = this.annotations('manifest');
    const key = imageKey(this.#plan, this.#solved, [...(this.#isInline ? ['inline'] : []), ...(Object.keys(annotations).length > 0 ? [annotations] : [])]);
    const before = known.get(key);
    if (before !== undefined && (await isThere(images, before))) {
      for (const tag of tags) await images.tag(before, tag);
      return before;
    }
    const image = await images.addImage({ config: await this.#config(), snapshotIds: this.#solved.target.map(({ snapshotId }) => snapshotId), tags: [...tags], annotations });
    await known.put(key, image.id);
    return image.id;
  }

  /** The result for whoever fetches it. `imageId`: the image that it is of, if one was recorded. `hold` hears of what the cache needs besides. */
  async files(imageId: string | undefined): Promise<ExportedImage> {
    const layers = await Promise.all(this.#solved.target.map(async ({ snapshotId }) => ({ snapshotId, ...(await this.#parts.snapshots.identify(snapshotId)) })));
    const made = async (): Promise<Buffer> => Buffer.from(JSON.stringify({ ...(await this.#config()), rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) } }));
    return {
      config: imageId === undefined ? await made() : await this.#parts.images.readConfig(imageId),
      layers,
      annotations: this.annotations('manifest'),
      platform: this.#platform,
      ...(this.#plan.epoch === undefined ? {} : { epoch: this.#plan.epoch }),
    };
  }

  /** What was asked for all images and for this one. */
  annotations(of: keyof ImageAnnotations): Annotations {
    const { platforms, ...all } = this.#request.annotations ?? {};
    return { ...all[of], ...platforms?.[formatPlatform(this.#platform)]?.[of] };
  }

  /** What a cache is to say of the steps. */
  cache(mode: CacheMode, imports: Imports | undefined): Promise<CacheToWrite> {
    return cacheToWrite(this.#plan, this.#solved, mode, imports);
  }

  get #isInline(): boolean {
    return this.#request.cacheTo?.some(({ type }) => type === 'inline') ?? false;
  }

  async #config(): Promise<Omit<ImageConfig, 'rootfs'>> {
    const config = outputConfig(this.#plan, this.#solved, new Date().toISOString());
    return this.#isInline ? { ...config, [INLINE_CACHE]: await inlineRecords(this.#plan, this.#solved) } : config;
  }
}

/** Whether an image is still here. */
export async function isThere(images: BuildImages, imageId: string): Promise<boolean> {
  try {
    return (await images.resolve(imageId)).id === imageId;
  } catch {
    return false;
  }
}

/** Progress of what is not a step, as events too. */
export function reporting(ctx: BuildContext): BuildContext {
  return {
    ...ctx,
    report: (progress) => {
      ctx.report(progress);
      ctx.onEvent?.({ type: 'progress', ...progress });
    },
  };
}
