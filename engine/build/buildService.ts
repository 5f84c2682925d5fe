import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { asBerthError, cancelled } from '../base/errors.ts';
import type { EventBus } from '../base/eventBus.ts';
import type { Log } from '../base/log.ts';
import { parseReference } from '../registry/reference.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import { ArchiveContents } from './cache/archiveContents.ts';
import { ImageCache } from './cache/imageCache.ts';
import { MountCache } from './cache/mountCache.ts';
import { CopiedFiles } from './copy/formerLayer.ts';
import type { CacheLimits } from './cache/limits.ts';
import { pruneCache } from './cache/prune.ts';
import type { PruneOptions, PruneReport } from './cache/prune.ts';
import { StatCache } from './cache/statCache.ts';
import { StepCache } from './cache/stepCache.ts';
import type { CacheEntry } from './cache/stepCache.ts';
import { OpenImports } from './cache/openImports.ts';
import { openContext } from './context/openContext.ts';
import type { DockerfileSource } from './context/openContext.ts';
import { parseDockerfile } from './dockerfile/parse.ts';
import { BuildExports } from './exports.ts';
import type { BuildExport } from './exports.ts';
import { exportTree } from './exportTree.ts';
import type { TreeOptions } from './exportTree.ts';
import { Holds } from './holds.ts';
import type { Hold } from './holds.ts';
import { isThere, Outputs, reporting } from './outputs.ts';
import type { BuildPlan } from './plan/graph.ts';
import { outlineBuild } from './plan/outline.ts';
import type { DebugSession } from './ops/debugRun.ts';
import type { BuildCaches, BuildImages, RunDebugger, SnapshotCollector, StepRunner } from './ports.ts';
import type { BuildContext, BuildRequest, BuildResult } from './request.ts';
import { NamedContexts } from './context/namedContexts.ts';
import { planFor, planOptions } from './planned.ts';
import type { Planned } from './planned.ts';
import { allOrNone, progressOf } from './solvePlans.ts';
import { Results } from './results.ts';
import { checkDockerfile } from './check/checkDockerfile.ts';
import { missingVariables } from './check/missingVariables.ts';
import { failureEvent, refuseErrors, warningEvent } from './check/tell.ts';
import type { BuildCertificates } from './ops/certificates.ts';
import type { BuildSecrets } from './ops/runMounts.ts';
import { SharedWork } from './solve/sharedWork.ts';
import { Slots } from './solve/slots.ts';
import { Solver } from './solve/solver.ts';
import type { SolverServices } from './solve/layerMaker.ts';
import type { SolveListener } from './solve/solving.ts';
import { TempFolders } from './temp.ts';

export interface CachedItem {
  readonly id: string;
  readonly type: string;
  readonly snapshotId: string | null;
  /** Bytes. */
  readonly size?: number;
  readonly description: string;
  /** RFC 3339. */
  readonly created: string;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  readonly inUse: boolean;
}

export interface BuildServiceParts {
  /** The engine's data root: the builder's things are in `build-cache/`. */
  readonly dataRoot: string;
  readonly images: BuildImages;
  readonly caches: BuildCaches;
  readonly snapshots: SnapshotStore;
  readonly runner: StepRunner;
  readonly collector: SnapshotCollector;
  readonly debugger: RunDebugger;
  readonly events: EventBus;
  readonly log: Log;
  /** Steps at the same time; default: as many as processors, at least 4, since most wait for disks and networks. */
  readonly parallelism?: number;
  /** Authorities that RUN trusts besides those of its image. */
  readonly certificates?: BuildCertificates | undefined;
  /** What the cache may grow to; absent: without limit. */
  readonly cacheLimits?: CacheLimits;
}

const nobody: SolveListener = { started: () => undefined, ended: () => undefined, printed: () => undefined };

/** Builds images from Dockerfiles. Call `reconcile` once before the first build. */
export class BuildService {
  readonly #parts: BuildServiceParts;
  readonly #solver: SolverServices;
  readonly #images: ImageCache;
  readonly #stats: StatCache;
  readonly #archives = new ArchiveContents();
  readonly #holds = new Holds();
  /** Results that were asked for as files. */
  readonly exports = new BuildExports();
  #running = 0;
  #tidying: Promise<void> = Promise.resolve();

  constructor(parts: BuildServiceParts) {
    this.#parts = parts;
    const folder = join(parts.dataRoot, 'build-cache');
    this.#images = new ImageCache(join(folder, 'images'));
    this.#stats = new StatCache(join(folder, 'stat'));
    this.#solver = {
      snapshots: parts.snapshots,
      runner: parts.runner,
      cache: new StepCache(join(folder, 'steps'), (id) => parts.snapshots.get(id) !== undefined),
      shared: new SharedWork<CacheEntry>(),
      copied: new CopiedFiles(),
      slots: new Slots(parts.parallelism ?? Math.max(4, availableParallelism())),
      temps: new TempFolders(join(folder, 'tmp')),
      mounts: new MountCache(join(folder, 'mounts')),
      certificates: parts.certificates,
    };
  }

  /** Loads the cache and clears what a killed engine left. The snapshot store must be loaded and the step runner reconciled before. */
  async reconcile(): Promise<void> {
    await mkdir(join(this.#parts.dataRoot, 'build-cache'), { recursive: true, mode: 0o700 });
    await this.#solver.temps.clear();
    await Promise.all([this.#solver.cache.load(), this.#images.load(), this.#stats.reconcile(), this.#solver.mounts.reconcile()]);
  }

  /** Builds in progress. */
  get running(): number {
    return this.#running;
  }

  /** The snapshots that the build cache and running builds need. */
  snapshotsInUse(): ReadonlySet<string> {
    const used = new Set(this.#holds.all());
    for (const { snapshotId } of this.#solver.cache.list()) if (snapshotId !== null) used.add(snapshotId);
    return used;
  }

  /**
   * Builds an image. Throws DOCKERFILE_SYNTAX, NOT_IMPLEMENTED, BUILD_TARGET_NOT_FOUND, BUILD_CONTEXT_INVALID,
   * DOCKERFILE_NOT_FOUND, BASE_IMAGE_UNAVAILABLE, COPY_SOURCE_NOT_FOUND, COPY_FAILED, BUILD_USER_UNKNOWN,
   * BUILD_STEP_FAILED, INVALID_REFERENCE, CANCELLED. Whatever happens, nothing temporary is left.
   */
  async build(request: BuildRequest, ctx: BuildContext): Promise<BuildResult> {
    this.#running++;
    const hold = this.#holds.open();
    try {
      ctx.signal.throwIfAborted();
      // A bad name is told before the work, not after it.
      for (const tag of request.tags ?? []) parseReference(tag);
      const result = await this.#build(request, ctx, hold);
      this.#parts.events.publish('builder', 'build', result.imageId, { name: request.tags?.[0] ?? result.imageId });
      return result;
    } catch (error) {
      if (ctx.signal.aborted) throw cancelled({ what: 'The build' }, { cause: error });
      throw asBerthError(error);
    } finally {
      hold.close();
      this.#running--;
      this.#tidying = this.#tidying.then(() => this.#tidy()); // whoever built need not wait for it
    }
  }

  /** What builds leave to be done after them is done. */
  close(): Promise<void> {
    return this.#tidying;
  }

  async #tidy(): Promise<void> {
    await this.#collectReplaced();
    if (this.#running === 0) await this.#keepLimits();
  }

  /** What the builder keeps: layers of steps, and folders of cache mounts. `size`: where no snapshot says it. */
  async cached(): Promise<readonly CachedItem[]> {
    await this.#tidying;
    const steps = this.#solver.cache.list().map(({ key, snapshotId, description, created, lastUsed }) => ({ id: key, type: 'regular', snapshotId, description, created, lastUsed, inUse: snapshotId !== null && this.#holds.has(snapshotId) }));
    const mounts = (await this.#solver.mounts.list()).map((mount) => ({ ...mount, type: 'exec.cachemount', snapshotId: null, description: 'RUN --mount=type=cache' }));
    return [...steps, ...mounts];
  }

  /** Forgets steps that no running build uses, and frees their layers as far as nothing else needs them. */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    await this.#tidying;
    return this.#prune(options);
  }

  async #prune(options: PruneOptions): Promise<PruneReport> {
    await this.#images.retain((id) => isThere(this.#parts.images, id));
    if (options.keepBytes === undefined) await this.#solver.mounts.prune(options.unusedSince);
    return pruneCache({ cache: this.#solver.cache, snapshots: this.#parts.snapshots, collector: this.#parts.collector, isHeld: (id) => this.#holds.has(id) }, options);
  }

  /** Writes the files of a result as a tar. */
  exportTree(result: BuildExport, options: TreeOptions, begin: () => Writable, signal: AbortSignal): Promise<void> {
    return exportTree({ temps: this.#solver.temps, snapshots: this.#parts.snapshots }, result, options, begin, signal);
  }

  /** Looks at a Dockerfile and builds nothing; images that are not here are not obtained. Tells each warning as an event and returns how many there are. Throws as `build` does. */
  async check(request: BuildRequest, ctx: BuildContext): Promise<number> {
    await using temp = await this.#solver.temps.create();
    const context = await openContext(request.context, dockerfileOf(request), { temp, statCache: this.#stats, archives: this.#archives, signal: ctx.signal });
    try {
      const { text, name } = context.dockerfile;
      const dockerfile = parseDockerfile(text, name);
      const [options] = planOptions(request);
      const missing = await missingVariables(outlineBuild(dockerfile, options), this.#parts.images, options);
      const { warnings } = checkDockerfile({ dockerfile, text, options, missing, ignore: context.tree.filter });
      for (const warning of warnings) ctx.onEvent?.(warningEvent(warning, text));
      return warnings.length;
    } finally {
      await context.close().catch(() => undefined); // what was learnt about files is of no use here
    }
  }

  async #build(request: BuildRequest, ctx: BuildContext, hold: Hold): Promise<BuildResult> {
    const started = Date.now();
    await using temp = await this.#solver.temps.create();
    const keepGitDir = /^(1|true)$/i.test(request.buildArgs?.['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '');
    const opened = await openContext(request.context, dockerfileOf(request), { temp, statCache: this.#stats, archives: this.#archives, keepGitDir, signal: ctx.signal });
    const keep = (): Promise<void> => opened.close().catch((error: unknown) => this.#parts.log.warn('the digests of a build context were not kept', { error }));
    try {
      await using named = new NamedContexts(request.contexts ?? {}, { folder: temp.path, statCache: this.#stats, images: this.#parts.images, ctx });
      const planned: Planned[] = [];
      for (const options of planOptions(request)) planned.push(await planFor(options, request, { images: this.#parts.images, opened, named }, ctx));
      for (const { report } of planned) refuseErrors(report);
      const warnings = [...(planned[0]?.report.warnings ?? [])];
      await using imports = await OpenImports.open(this.#parts.caches, { sources: request.cacheFrom ?? [], platforms: planned.map(({ options }) => options.platform), auths: request.auths }, ctx);
      return await imports.use(async (known) => {
        const progress = progressOf(planned, ctx);
        // After the plan, and once: the work may be begun again.
        for (const warning of warnings.splice(0)) ctx.onEvent?.(warningEvent(warning, opened.dockerfile.text));
        const solved = await allOrNone(planned, ctx.signal, ({ plan, tree }, index, signal) => new Solver(this.#solver, plan, { context: tree, given: givenBy(request), again: doneAgain(plan, request), imports: known, debug: this.#debug(request, ctx), signal, report: reporting(ctx).report, listener: progress[index] ?? nobody, hold: hold.add }).solve());
        for (const [index, { plan }] of planned.entries()) progress[index]?.passedOver(plan, solved[index]?.results ?? new Map());
        const outputs = solved.flatMap((one, index) => (planned[index] ? [new Outputs({ ...this.#parts, known: this.#images }, planned[index], one, request)] : []));
        const results = new Results({ ...this.#parts, exports: this.exports, holds: this.#holds }, planned, outputs, { request, opened, started });
        return { ...(await results.deliver(known, hold, ctx)), cached: progress.every(({ allCached }) => allCached) };
      });
    } catch (error) {
      const failure = failureEvent(asBerthError(error), opened.dockerfile.text);
      if (failure && !ctx.signal.aborted) ctx.onEvent?.(failure);
      throw error;
    } finally {
      this.#tidying = this.#tidying.then(keep);
    }
  }

  #debug({ debug }: BuildRequest, ctx: BuildContext): DebugSession | undefined {
    return debug && { debugger: this.#parts.debugger, tty: debug.tty, tell: (container, command, line) => ctx.onEvent?.({ type: 'debug', container, command, line }) };
  }

  /** Drops what has not been used for too long, then the least recently used that are too much. Never a reason for a build to fail. */
  async #keepLimits(): Promise<void> {
    const limits = this.#parts.cacheLimits;
    if (!limits) return;
    try {
      const old = await this.#prune({ unusedSince: Date.now() - limits.maxAgeMs });
      const large = await this.#prune({ keepBytes: limits.maxBytes });
      const dropped = old.deleted.length + large.deleted.length;
      if (dropped > 0) this.#parts.log.info('the build cache was cut to its limits', { dropped, freed: old.reclaimed + large.reclaimed });
    } catch (error) {
      this.#parts.log.warn('the build cache was not cut to its limits', { error });
    }
  }

  async #collectReplaced(): Promise<void> {
    const gone = this.#solver.cache.takeReplaced().filter((id) => !this.#holds.has(id));
    if (gone.length > 0) await this.#parts.collector.collect(gone).catch((error: unknown) => this.#parts.log.warn('layers of replaced build steps were not removed', { error }));
  }
}

function doneAgain(plan: BuildPlan, { noCache, noCacheFilter = [] }: BuildRequest): (step: { readonly id: string }) => boolean {
  if (noCache === true) return () => true;
  const stages = new Set(noCacheFilter.map((name) => name.toLowerCase()));
  const steps = new Set(plan.instructions.flatMap(({ stage, step }) => (step !== undefined && stages.has(stage) ? [step] : [])));
  return ({ id }) => steps.has(id);
}

function dockerfileOf({ dockerfile, dockerfileText }: BuildRequest): DockerfileSource {
  return dockerfileText === undefined ? (dockerfile ?? 'Dockerfile') : { text: dockerfileText };
}

function givenBy({ secrets, sshAgents }: BuildRequest): BuildSecrets {
  return { secrets: new Map(Object.entries(secrets ?? {})), agents: new Map(Object.entries(sshAgents ?? {})) };
}
