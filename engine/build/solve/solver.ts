import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asBerthError, cancelled } from '../../base/errors.ts';
import type { SnapshotStore } from '../../snapshots/types.ts';
import type { MountCache } from '../cache/mountCache.ts';
import type { CacheEntry, StepCache } from '../cache/stepCache.ts';
import { contentKey } from '../copy/contentKey.ts';
import { treeOf } from '../copy/selectSources.ts';
import type { SelectedSource, SourceTree } from '../copy/selectSources.ts';
import { locate, stepFailed } from '../errors.ts';
import type { Place } from '../errors.ts';
import { executeCopy, selectAll } from '../ops/copy.ts';
import { CommandFailed, executeRun } from '../ops/run.ts';
import { prepareMounts } from '../ops/runMounts.ts';
import type { BuildSecrets, MountInput } from '../ops/runMounts.ts';
import { executeWorkdir } from '../ops/workdir.ts';
import type { Workspace } from '../ops/workspace.ts';
import { mountReadable } from '../overlay.ts';
import { digestOf } from '../plan/digest.ts';
import type { BuildPlan, CopyOp, Op, RunMount, RunOp, Step, WorkdirOp } from '../plan/graph.ts';
import { fetchGit } from '../remote/fetchGit.ts';
import { fetchHttp } from '../remote/fetchHttp.ts';
import type { RemoteSource } from '../remote/remoteSource.ts';
import { operationIdentity } from '../plan/planBuild.ts';
import type { StepRunner } from '../ports.ts';
import type { TempFolders } from '../temp.ts';
import { fileDigest } from '../context/fileDigest.ts';
import { mapBounded } from './mapBounded.ts';
import { identities } from './layer.ts';
import type { Layer, StepResult } from './layer.ts';
import type { Output, SharedWork } from './sharedWork.ts';
import { isFromContext, settleTimes } from './settleTimes.ts';
import type { Slots } from './slots.ts';

/** What all builds of an engine share. */
export interface SolverServices {
  readonly snapshots: SnapshotStore;
  readonly runner: StepRunner;
  readonly cache: StepCache;
  readonly shared: SharedWork<CacheEntry>;
  readonly slots: Slots;
  readonly temps: TempFolders;
  readonly mounts: MountCache;
}

export interface SolveListener {
  started(step: Step): void;
  ended(step: Step, how: 'cached' | 'finished' | 'failed', entry?: CacheEntry): void;
  printed(step: Step, output: Output): void;
}

export interface SolveOptions {
  readonly context: SourceTree;
  readonly given: BuildSecrets;
  /** Whether a step is done again although it is known. */
  readonly again: (step: Step) => boolean;
  readonly signal: AbortSignal;
  readonly listener: SolveListener;
  /** Called with every snapshot that the build needs until it ends. */
  readonly hold: (snapshotId: string) => void;
}

/** Changes when a key means something else than before. */
const KEY_VERSION = 1;

/** Does the steps of one plan: those that do not wait for each other at the same time, those that were done before not at all. */
export class Solver {
  readonly #services: SolverServices;
  readonly #plan: BuildPlan;
  readonly #options: SolveOptions;
  readonly #results = new Map<string, Promise<StepResult>>();
  readonly #background: Array<Promise<unknown>> = [];
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;

  constructor(services: SolverServices, plan: BuildPlan, options: SolveOptions) {
    this.#services = services;
    this.#plan = plan;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal]);
  }

  /** The result of every step. When one fails, the others are cancelled and waited for. */
  async solve(): Promise<ReadonlyMap<string, StepResult>> {
    const failure = await this.#result(this.#plan.target).then(
      () => undefined,
      (error: unknown) => asBerthError(error),
    );
    await Promise.allSettled([...this.#results.values(), ...this.#background]);
    if (failure !== undefined) throw this.#options.signal.aborted ? cancelled({ what: 'The build' }, { cause: failure }) : failure;
    const results = new Map<string, StepResult>();
    for (const [id, result] of this.#results) results.set(id, await result);
    return results;
  }

  #result(id: string): Promise<StepResult> {
    const known = this.#results.get(id);
    if (known) return known;
    const step = this.#plan.steps.get(id);
    if (!step) throw new Error(`the plan has no step ${id}`);
    const result = this.#work(step).catch((error: unknown) => {
      if (!this.#signal.aborted) this.#options.listener.ended(step, 'failed');
      const placed = place(step, error);
      this.#abort.abort(placed);
      throw placed;
    });
    this.#results.set(id, result);
    return result;
  }

  async #work(step: Step): Promise<StepResult> {
    const { op } = step;
    if (op.kind === 'source') {
      for (const layer of op.layers) this.#options.hold(layer.snapshotId);
      this.#options.listener.ended(step, 'finished');
      return { layers: op.layers.map(({ diffId, snapshotId }) => ({ identity: diffId, snapshotId })) };
    }
    const [parent, from] = await Promise.all([this.#input(step.parent), this.#input(step.from)]);
    this.#signal.throwIfAborted();
    const below = parent?.layers ?? [];
    const entry = op.kind === 'copy' ? await this.#copy(step, op, below, from?.layers) : op.kind === 'run' ? await this.#run(step, op, below) : await this.#workdir(step, op, below);
    if (entry.snapshotId === null) return { layers: below, entry };
    this.#options.hold(entry.snapshotId);
    return { layers: [...below, { snapshotId: entry.snapshotId, identity: entry.snapshotId }], entry };
  }

  #input(id: string | undefined): Promise<StepResult | undefined> {
    return id === undefined ? Promise.resolve(undefined) : this.#result(id);
  }

  #workdir(step: Step, op: WorkdirOp, below: readonly Layer[]): Promise<CacheEntry> {
    const key = this.#key(op, below, []);
    return this.#cachedOr(step, key, (signal, print) => this.#make(step, key, below, { signal, print }, (workspace) => executeWorkdir(op, workspace)));
  }

  async #run(step: Step, op: RunOp, below: readonly Layer[]): Promise<CacheEntry> {
    const mounted = await Promise.all(op.mounts.map((mount, index) => this.#mounted(step, mount, index)));
    const key = this.#key(op, below, mounted.flatMap((one) => one?.key ?? []));
    return this.#cachedOr(step, key, (signal, print) =>
      this.#make(step, key, below, { signal, print }, async (workspace) => {
        const inputs = await Promise.all(mounted.map(async (one) => one?.input()));
        await using prepared = await prepareMounts(op, inputs, workspace, { caches: this.#services.mounts, given: this.#options.given });
        await executeRun(op, prepared, workspace, this.#services.runner);
        return true;
      }),
    );
  }

  /** The files that a mount shows: what of them counts for the key, and where they are once they are needed. */
  async #mounted(step: Step, mount: RunMount, index: number): Promise<{ readonly key: readonly string[]; input(): Promise<MountInput> } | undefined> {
    const from = await this.#input(step.mounts?.[index]);
    this.#signal.throwIfAborted();
    if (from) return { key: ['mount', String(index), ...identities(from.layers)], input: () => Promise.resolve({ lowerDirs: this.#lowerDirs(from.layers) }) };
    if (mount.kind !== 'bind' && (mount.kind !== 'cache' || mount.context === undefined)) return undefined;
    const tree = treeOf(this.#options.context, mount.context);
    let selected: Promise<SelectedSource[]> | undefined;
    const select = (): Promise<SelectedSource[]> => (selected ??= this.#select(step, { sources: [mount.source] }, tree));
    const operation = digestOf(['mount', mount.source]);
    const content = tree.contents?.get(operation) ?? (await contentKey(tree, await select(), false, this.#signal));
    tree.contents?.set(operation, content);
    return { key: ['mount', String(index), content], input: async () => ({ tree, selected: await select() }) };
  }

  async #copy(step: Step, op: CopyOp, below: readonly Layer[], from: readonly Layer[] | undefined): Promise<CacheEntry> {
    if (from) return this.#copyFrom(step, op, below, from);
    if (op.remotes) return this.#addRemote(step, op, op.remotes, below);
    const tree = treeOf(this.#options.context, op.context);
    let selected: Promise<SelectedSource[]> | undefined;
    const sources = (): Promise<SelectedSource[]> => (selected ??= this.#select(step, op, tree));
    const operation = digestOf(operationIdentity(op));
    const known = tree.contents?.get(operation);
    const content = known ?? (await contentKey(tree, await sources(), false, this.#signal));
    tree.contents?.set(operation, content);
    const key = this.#key(op, below, ['context', content]);
    return this.#cachedOr(step, key, async (signal, print) => {
      const files = await sources();
      return this.#make(step, key, below, { signal, print }, async (workspace) => {
        await executeCopy(op, files, false, workspace);
        return true;
      });
    });
  }

  /** What is elsewhere is fetched each time: only its content says whether anything changed. */
  async #addRemote(step: Step, op: CopyOp, remotes: readonly RemoteSource[], below: readonly Layer[]): Promise<CacheEntry> {
    const { listener, again } = this.#options;
    const signal = this.#signal;
    listener.started(step);
    return this.#services.slots.run(signal, async () => {
      await using temp = await this.#services.temps.create();
      const local = op.sources.length > 0 ? await this.#select(step, op, this.#options.context) : [];
      const fetched = await mapBounded([...remotes.entries()], 4, ([index, remote]) => fetchRemote(remote, join(temp.path, `remote-${index}`), step.place, signal));
      const tree: SourceTree = { root: temp.path, digest: (entry) => fileDigest(entry.location, signal) };
      const all = [...local, ...fetched];
      const key = this.#key(op, below, ['remote', await contentKey(tree, all, false, signal)]);
      const known = again(step) ? undefined : this.#services.cache.get(key);
      const print = (output: Output): void => listener.printed(step, output);
      const entry = known ?? (await this.#layer(step, key, below, { signal, print }, async (workspace) => {
        await executeCopy(op, all, false, workspace);
        return true;
      }));
      listener.ended(step, known ? 'cached' : 'finished', entry);
      return entry;
    });
  }

  async #select(step: Step, op: Pick<CopyOp, 'sources' | 'exclude' | 'parents'>, tree: SourceTree): Promise<SelectedSource[]> {
    await tree.prepare?.();
    return selectAll(op, tree, `${tree === this.#options.context ? 'build context' : 'the named context'} or excluded by .dockerignore`, step.place, this.#signal);
  }

  /**
   * A copy from another stage has two keys: one made of the stage's layers, known without looking, and one made of the
   * files' content, so that a stage that was made anew with the same result changes nothing behind it.
   */
  #copyFrom(step: Step, op: CopyOp, below: readonly Layer[], from: readonly Layer[]): Promise<CacheEntry> {
    const quick = this.#key(op, below, ['layers', ...identities(from)]);
    return this.#cachedOr(step, quick, (signal, print) =>
      this.#services.slots.run(signal, async () => {
        await using temp = await this.#services.temps.create();
        await using view = await mountReadable(temp.path, this.#lowerDirs(from));
        const tree: SourceTree = { root: view.root, digest: (entry) => fileDigest(entry.location, signal) };
        const sources = await selectAll(op, tree, 'the files that --from names', step.place, signal);
        const key = this.#key(op, below, ['content', await contentKey(tree, sources, true, signal)]);
        const known = this.#options.again(step) ? undefined : this.#services.cache.get(key);
        const entry = known ?? (await this.#layer(step, key, below, { signal, print }, async (workspace) => {
          await executeCopy(op, sources, true, workspace);
          return true;
        }));
        await this.#services.cache.put({ ...entry, key: quick });
        return entry;
      }),
    );
  }

  async #cachedOr(step: Step, key: string, make: (signal: AbortSignal, print: (output: Output) => void) => Promise<CacheEntry>): Promise<CacheEntry> {
    const { listener, again } = this.#options;
    const known = again(step) ? undefined : this.#services.cache.get(key);
    if (known) {
      listener.ended(step, 'cached', known);
      return known;
    }
    listener.started(step);
    const entry = await this.#services.shared.run(key, { signal: this.#signal, onOutput: (output) => listener.printed(step, output) }, make);
    listener.ended(step, 'finished', entry);
    return entry;
  }

  #make(step: Step, key: string, below: readonly Layer[], run: Pick<Workspace, 'signal' | 'print'>, change: (workspace: Workspace) => Promise<boolean>): Promise<CacheEntry> {
    return this.#services.slots.run(run.signal, () => this.#layer(step, key, below, run, change));
  }

  /** Lets `change` fill an upper directory and makes it a layer. */
  async #layer(step: Step, key: string, below: readonly Layer[], run: Pick<Workspace, 'signal' | 'print'>, change: (workspace: Workspace) => Promise<boolean>): Promise<CacheEntry> {
    const { snapshots, temps, cache } = this.#services;
    await using temp = await temps.create();
    const upperDir = join(temp.path, 'upper');
    await mkdir(upperDir, { mode: 0o755 });
    const changed = await change({ temp: temp.path, lowerDirs: this.#lowerDirs(below), upperDir, place: step.place, ...run });
    run.signal.throwIfAborted();
    if (changed && this.#plan.epoch !== undefined) await settleTimes(upperDir, this.#plan.epoch, { all: isFromContext(step), signal: run.signal });
    const parent = below.at(-1)?.snapshotId;
    const made = changed ? await snapshots.adopt(upperDir, parent === undefined ? {} : { parent }) : undefined;
    if (made) this.#options.hold(made.id);
    // The image's id needs the layer's digest: it is made while the steps behind this one run.
    if (made && step.final) this.#background.push(snapshots.identify(made.id).catch(() => undefined));
    const entry: CacheEntry = { key, snapshotId: made?.id ?? null, created: new Date().toISOString(), description: describe(step.op) };
    await cache.put(entry);
    return entry;
  }

  /** A layer whose times are set is another than one whose times are those of its making. */
  #key(op: Op, below: readonly Layer[], inputs: readonly string[]): string {
    const { epoch } = this.#plan;
    return digestOf([KEY_VERSION, operationIdentity(op), identities(below), inputs, ...(epoch === undefined ? [] : [epoch])]);
  }

  #lowerDirs(layers: readonly Layer[]): string[] {
    return layers.map((layer) => this.#services.snapshots.lowerDir(layer.snapshotId)).reverse();
  }
}

function fetchRemote(remote: RemoteSource, folder: string, at: Place, signal: AbortSignal): Promise<SelectedSource> {
  return remote.kind === 'git' ? fetchGit(remote, folder, at, signal) : fetchHttp(remote, folder, at, signal);
}

function place(step: Step, error: unknown): Error {
  if (error instanceof CommandFailed) return stepFailed({ ...step.place, command: error.command, exitCode: error.exitCode, output: error.output }, { cause: error });
  return locate(asBerthError(error), step.place);
}

function describe(op: Op): string {
  if (op.kind === 'run') return `RUN ${op.args.join(' ')}`.slice(0, 200);
  if (op.kind === 'copy') return `COPY ${[...op.sources, op.dest].join(' ')}`.slice(0, 200);
  return op.kind === 'workdir' ? `WORKDIR ${op.path}` : `FROM ${op.ref}`;
}
