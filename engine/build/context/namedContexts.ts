import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationContext } from '../../base/context.ts';
import type { Platform } from '../../base/platform.ts';
import type { StatCache } from '../cache/statCache.ts';
import type { SourceTree } from '../copy/selectSources.ts';
import { unpackArchive } from '../copy/unpack.ts';
import { BerthError } from '../../base/errors.ts';
import { contextInvalid } from '../errors.ts';
import { contextName } from '../plan/contextName.ts';
import type { ContextMeaning } from '../plan/graph.ts';
import type { BaseImage, BuildImages } from '../ports.ts';
import { download, withoutSecrets } from '../remote/fetchHttp.ts';
import { fetchRepository, openFiles } from './openContext.ts';
import type { OpenedTree } from './openContext.ts';

/** What `--build-context name=…` names. */
export type NamedContextSource =
  | { readonly kind: 'directory'; readonly path: string }
  /** `URL[#ref[:folder]]`. */
  | { readonly kind: 'git'; readonly url: string }
  /** An archive. */
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'image'; readonly ref: string }
  /** A folder of this host; `ref`: a tag or digest of its index. */
  | { readonly kind: 'oci-layout'; readonly path: string; readonly ref?: string };

export type NamedContextSources = Readonly<Record<string, NamedContextSource>>;

/** What the names stand for, for the plan. An image of a layout is called by its place. */
export function contextMeanings(sources: NamedContextSources): ReadonlyMap<string, ContextMeaning> {
  return new Map(Object.entries(sources).map(([name, source]) => [contextName(name), meaningOf(source)]));
}

function meaningOf(source: NamedContextSource): ContextMeaning {
  if (source.kind === 'image') return { kind: 'image', ref: source.ref };
  return source.kind === 'oci-layout' ? { kind: 'image', ref: layoutName(source) } : { kind: 'files' };
}

function layoutName({ path, ref }: Extract<NamedContextSource, { kind: 'oci-layout' }>): string {
  return `oci-layout://${path}${ref === undefined ? '' : `${ref.startsWith('sha256:') ? '@' : ':'}${ref}`}`;
}

export interface NamedContextDeps {
  /** A folder of the build's own. */
  readonly folder: string;
  readonly statCache: StatCache;
  readonly images: Pick<BuildImages, 'fromLayout'>;
  readonly ctx: OperationContext;
}

/** The named contexts of one build, each opened when a plan needs it, once. */
export class NamedContexts implements AsyncDisposable {
  readonly #sources: ReadonlyMap<string, NamedContextSource>;
  readonly #deps: NamedContextDeps;
  readonly #opened = new Map<string, Promise<OpenedTree>>();

  constructor(sources: NamedContextSources, deps: NamedContextDeps) {
    this.#sources = new Map(Object.entries(sources).map(([name, source]) => [contextName(name), source]));
    this.#deps = deps;
  }

  /** The files of these contexts. Throws BUILD_CONTEXT_INVALID. */
  async trees(names: Iterable<string>): Promise<ReadonlyMap<string, SourceTree>> {
    return new Map(await Promise.all([...names].map(async (name): Promise<[string, SourceTree]> => {
      const opening = this.#opened.get(name) ?? this.#open(name);
      this.#opened.set(name, opening);
      return [name, (await opening).tree];
    })));
  }

  /** The images that layouts bring along, of those that are wanted (by the names that the plan gives them). Throws BUILD_CONTEXT_INVALID. */
  async layouts(wanted: ReadonlySet<string>, platform: Platform): Promise<ReadonlyMap<string, BaseImage>> {
    const found = new Map<string, BaseImage>();
    for (const [name, source] of this.#sources) {
      if (source.kind !== 'oci-layout' || !wanted.has(layoutName(source))) continue;
      found.set(layoutName(source), await this.#deps.images.fromLayout(source.path, source.ref, platform, this.#deps.ctx).catch((error: unknown) => this.#invalid(name, error)));
    }
    return found;
  }

  /** Keeps for the next build what was learnt about the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#opened.values()].map(async (opened) => (await opened).close()));
  }

  #open(name: string): Promise<OpenedTree> {
    const source = this.#sources.get(name);
    const folder = join(this.#deps.folder, `context-${this.#opened.size}`);
    return this.#files(source, folder).catch((error: unknown) => this.#invalid(name, error));
  }

  async #files(source: NamedContextSource | undefined, folder: string): Promise<OpenedTree> {
    const { ctx, statCache } = this.#deps;
    if (source?.kind === 'directory') return openFiles(source.path, statCache);
    if (source?.kind === 'git') return openFiles((await fetchRepository(source.url, folder, ctx.signal)).folder);
    if (source?.kind === 'http') return openFiles(await fetchArchive(source.url, folder, ctx.signal));
    throw new Error('an image has no folder');
  }

  #invalid(name: string, error: unknown): never {
    if (this.#deps.ctx.signal.aborted || !(error instanceof BerthError)) throw error;
    const detail = error.params['detail'];
    throw contextInvalid({ detail: `--build-context ${name}: ${error.code === contextInvalid.code && typeof detail === 'string' ? detail : error.message}` }, { cause: error });
  }
}

/** The files of an archive that a server has. */
async function fetchArchive(url: string, folder: string, signal: AbortSignal): Promise<string> {
  await mkdir(folder);
  const failed = (detail: string, cause?: unknown): Error => contextInvalid({ detail: `${withoutSecrets(url)}: ${detail}` }, { cause });
  const file = await download({ kind: 'http', url, unpack: true }, join(folder, 'download'), failed, signal);
  const root = join(folder, 'files');
  if (!(await unpackArchive(file, root, signal))) throw failed('what the server gave is no archive');
  return root;
}
