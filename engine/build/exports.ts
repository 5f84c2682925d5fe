import type { Digest } from '../content/digest.ts';
import { newId } from '../base/ids.ts';
import type { Platform } from '../base/platform.ts';
import { exportUnknown } from './errors.ts';
import type { CacheToWrite, ImageLayerHere, Predicate } from './ports.ts';
import type { Annotations } from './request.ts';

/** The image of one platform. */
export interface ExportedImage {
  /** The image's configuration, byte for byte. */
  readonly config: Buffer;
  /** Base first. */
  readonly layers: readonly ImageLayerHere[];
  readonly annotations: Annotations;
  readonly platform: Platform;
  /** Seconds since 1970, where the build was given a time. */
  readonly epoch?: number;
}

/** What a build made, for whoever asked for files and not for an image of this engine. The image is the one that this host runs. */
export interface BuildExport extends ExportedImage {
  /** The files of each platform, and what is attested of them. */
  readonly trees: ReadonlyArray<Pick<ExportedImage, 'layers' | 'platform'> & { readonly predicates: readonly Predicate[] }>;
  /** Where it is an index: its digest. */
  readonly index?: { readonly digest: Digest };
  /** The steps, for a cache in a folder. */
  readonly cache?: CacheToWrite;
}

interface Kept {
  readonly result: BuildExport;
  readonly release: () => Promise<void> | void;
  readers: number;
  timer: NodeJS.Timeout;
}

/** Results of builds while they are fetched: each stays until it is given up, or nobody has asked for it for a while. In memory only. */
export class BuildExports {
  readonly #kept = new Map<string, Kept>();
  readonly #patience: number;

  /** `patience`: milliseconds. */
  constructor(patience = 10 * 60_000) {
    this.#patience = patience;
  }

  /** `release` lets go of what the result needs. */
  add(result: BuildExport, release: () => Promise<void> | void): string {
    const id = newId();
    this.#kept.set(id, { result, release, readers: 0, timer: this.#expiry(id) });
    return id;
  }

  /** Does something with a result; it stays as long. Throws BUILD_EXPORT_UNKNOWN. */
  async use<T>(id: string, work: (result: BuildExport) => Promise<T>): Promise<T> {
    const kept = this.#kept.get(id);
    if (!kept) throw exportUnknown({ id });
    clearTimeout(kept.timer);
    kept.readers++;
    try {
      return await work(kept.result);
    } finally {
      kept.readers--;
      if (kept.readers === 0) {
        if (this.#kept.get(id) === kept) kept.timer = this.#expiry(id);
        else await kept.release();
      }
    }
  }

  /** Gives a result up; whoever is reading it may finish. */
  async remove(id: string): Promise<void> {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    clearTimeout(kept.timer);
    if (kept.readers === 0) await kept.release();
  }

  /** Results that somebody may still fetch. */
  get count(): number {
    return this.#kept.size;
  }

  #expiry(id: string): NodeJS.Timeout {
    return setTimeout(() => void this.remove(id), this.#patience).unref();
  }
}
