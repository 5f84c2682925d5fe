import { digestOf } from '../content/digest.ts';
import { predicatesOf } from './attest/predicates.ts';
import type { BuildFacts } from './attest/predicates.ts';
import type { Imports } from './cache/imports.ts';
import { localCache, writeCaches } from './cache/writeCaches.ts';
import type { BuildExport, BuildExports } from './exports.ts';
import type { Hold, Holds } from './holds.ts';
import type { Outputs } from './outputs.ts';
import type { Planned } from './planned.ts';
import type { BuildCaches, BuildImages, IndexMember, MadeIndex } from './ports.ts';
import type { BuildContext, BuildResult } from './request.ts';

interface ResultParts {
  readonly images: BuildImages;
  readonly caches: BuildCaches;
  readonly exports: BuildExports;
  readonly holds: Holds;
}

/** What a build gives back: one image; or an index of several, or of one of which something is attested; files to fetch; caches. */
export class Results {
  readonly #parts: ResultParts;
  readonly #planned: readonly Planned[];
  readonly #outputs: readonly Outputs[];
  readonly #facts: BuildFacts;

  constructor(parts: ResultParts, planned: readonly Planned[], outputs: readonly Outputs[], facts: BuildFacts) {
    this.#parts = parts;
    this.#planned = planned;
    this.#outputs = outputs;
    this.#facts = facts;
  }

  async deliver(imports: Imports | undefined, hold: Hold, ctx: BuildContext): Promise<Omit<BuildResult, 'cached'>> {
    const { request } = this.#facts;
    const { keep = { image: true, files: false }, tags = [] } = request;
    const isIndex = this.#planned.length > 1 || request.attest !== undefined;
    const members = isIndex ? await this.#members(ctx.signal) : [];
    const made = isIndex ? await this.#parts.images.addIndex(members, keep.image ? tags : [], request.annotations?.index ?? {}) : undefined;
    const recorded = made?.id ?? (keep.image ? await this.#outputs[0]?.image(tags) : undefined);
    const index = made?.index && { digest: made.index.descriptor.digest };
    const files = keep.files || recorded === undefined ? await this.#files(recorded, made, members) : undefined;
    const cache = files && (await localCache(this.#outputs, request, imports, hold.add, ctx));
    await writeCaches(this.#parts.caches, this.#outputs, request, imports, ctx);
    const result = { imageId: recorded ?? (files ? digestOf(files.config) : ''), ...(index ? { indexDigest: index.digest } : {}) };
    if (!keep.files || !files) return result;
    // What others hold of a cache ends with the build: what is to be fetched is held on.
    const kept = this.#parts.holds.open();
    for (const id of [...hold.ids()]) kept.add(id);
    const release = async (): Promise<void> => {
      kept.close();
      if (index && !keep.image) await this.#parts.images.discardIndex(index.digest);
    };
    return { ...result, exportId: this.#parts.exports.add({ ...files, ...(cache ? { cache } : {}), ...(index ? { index } : {}) }, release) };
  }

  async #members(signal: AbortSignal): Promise<IndexMember[]> {
    const members: IndexMember[] = [];
    for (const [at, output] of this.#outputs.entries()) {
      const imageId = await output.image([]);
      const planned = this.#planned[at];
      members.push({ imageId, predicates: planned ? await predicatesOf(imageId, planned, this.#facts, this.#parts.images, signal) : [], annotations: output.annotations('descriptor') });
    }
    return members;
  }

  /** Of an index: those of the image that this host runs. */
  async #files(recorded: string | undefined, made: MadeIndex | undefined, members: readonly IndexMember[]): Promise<BuildExport> {
    const all = await Promise.all(this.#outputs.map((output) => output.files(undefined)));
    const primary = made ? all.find(({ config }) => digestOf(config) === made.id) : undefined;
    const [first] = all;
    const chosen = primary ?? first;
    if (!chosen) throw new Error('a build has at least one plan');
    const trees = all.map(({ layers, platform }, at) => ({ layers, platform, predicates: members[at]?.predicates ?? [] }));
    return { ...chosen, trees, ...(recorded === undefined ? {} : { config: await this.#parts.images.readConfig(recorded) }) };
  }
}
