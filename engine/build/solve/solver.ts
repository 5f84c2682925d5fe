import { join } from 'node:path';
import { asBerthError, cancelled } from '../../base/errors.ts';
import { ownLayer } from '../cache/imports.ts';
import type { CacheEntry } from '../cache/stepCache.ts';
import { contentKey } from '../copy/contentKey.ts';
import { treeOf } from '../copy/selectSources.ts';
import type { SelectedSource, SourceTree } from '../copy/selectSources.ts';
import { locate, stepFailed } from '../errors.ts';
import type { Place } from '../errors.ts';
import { selectAll } from '../ops/copy.ts';
import { runOrDebug } from '../ops/debugRun.ts';
import { CommandFailed } from '../ops/run.ts';
import { prepareMounts } from '../ops/runMounts.ts';
import type { MountInput } from '../ops/runMounts.ts';
import { executeWorkdir } from '../ops/workdir.ts';
import type { Workspace } from '../ops/workspace.ts';
import { mountReadable } from '../overlay.ts';
import { digestOf } from '../plan/digest.ts';
import type { BuildPlan, CopyOp, Op, RunMount, RunOp, Step, WorkdirOp } from '../plan/graph.ts';
import { fetchGit } from '../remote/fetchGit.ts';
import { fetchHttp } from '../remote/fetchHttp.ts';
import type { RemoteSource } from '../remote/remoteSource.ts';
import { operationIdentity } from '../plan/planBuild.ts';
import { fileDigest } from '../context/fileDigest.ts';
import { ContextInputs } from './contextInputs.ts';
import { Definitions } from './definitions.ts';
import type { Definition } from './definitions.ts';
import { LayerMaker } from './layerMaker.ts';
import type { SolverServices } from './layerMaker.ts';
import { mapBounded } from './mapBounded.ts';
import { identities, present } from './layer.ts';
import type { AnyLayer, Layer, StepResult } from './layer.ts';
import type { Output } from './sharedWork.ts';
import type { Solved, SolveOptions } from './solving.ts';

/** Changes when a key means something else than before. */
const KEY_VERSION = 1;
/** Layers that are got at the same time. */
const PARALLEL_FETCHES = 3;

type Run = Pick<Workspace, 'signal' | 'print'>;

/** Does the steps of one plan: those that do not wait for each other at the same time, those that were done before not at all. */
export class Solver {
  readonly #services: SolverServices;
  readonly #plan: BuildPlan;
  readonly #options: SolveOptions;
  readonly #results = new Map<string, Promise<StepResult>>();
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #inputs: ContextInputs;
  readonly #definitions: Definitions;
  readonly #maker: LayerMaker;

  constructor(services: SolverServices, plan: BuildPlan, options: SolveOptions) {
    this.#services = services;
    this.#plan = plan;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal]);
    this.#inputs = new ContextInputs(options.context, this.#signal);
    this.#definitions = new Definitions(plan, this.#inputs, options.again);
    this.#maker = new LayerMaker(services, plan.epoch, options.hold);
  }

  /** The result of every step that was needed. When one fails, the others are cancelled and waited for. */
  async solve(): Promise<Solved> {
    const wanted = this.#result(this.#plan.target).then(({ layers }) => this.#here(layers));
    const failure = await wanted.then(
      () => undefined,
      (error: unknown) => asBerthError(error),
    );
    await Promise.allSettled([...this.#results.values(), ...this.#maker.background]);
    if (failure !== undefined) throw this.#options.signal.aborted ? cancelled({ what: 'The build' }, { cause: failure }) : failure;
    const results = new Map<string, StepResult>();
    for (const [id, result] of this.#results) results.set(id, await result);
    return { results, target: await wanted, definitions: this.#definitions };
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
      return { layers: op.layers.map(({ diffId, snapshotId }) => ({ identity: diffId, snapshotId, isBase: true })) };
    }
    // A stage that only this step takes files of need not be made where a cache has the step.
    const needsStages = step.from !== undefined || step.mounts !== undefined;
    const early = needsStages ? await this.#imported(step) : undefined;
    if (early) return early;
    const [parent, from] = await Promise.all([this.#input(step.parent), this.#input(step.from)]);
    this.#signal.throwIfAborted();
    const layers = parent?.layers ?? [];
    const elsewhere = present(layers) === undefined && !needsStages ? await this.#imported(step) : undefined;
    if (elsewhere) return elsewhere;
    const below = await this.#here(layers);
    return op.kind === 'copy' ? this.#copy(step, op, below, from?.layers) : op.kind === 'run' ? this.#run(step, op, below) : this.#workdir(step, op, below);
  }

  #input(id: string | undefined): Promise<StepResult | undefined> {
    return id === undefined ? Promise.resolve(undefined) : this.#result(id);
  }

  /** What an imported cache has for the step; `known`: under a key that is found otherwise than by its definition. */
  async #imported(step: Step, known?: Definition): Promise<StepResult | undefined> {
    const { imports, listener } = this.#options;
    if (!imports) return undefined;
    const definition = known ?? (await this.#definitions.of(step.id));
    const found = definition && !definition.again ? imports.find(definition.key) : undefined;
    if (!found) return undefined;
    const parent = await this.#input(step.parent);
    const base = (parent?.layers ?? []).filter((layer) => layer.isBase);
    // Each instruction must have made a layer where it did here, or the image's history would not fit.
    if (found.layers.length !== (parent?.layers.length ?? 0) - base.length + (found.made ? 1 : 0)) return undefined;
    this.#definitions.settle(step.id, found.keys[0]);
    const entry = { snapshotId: ownLayer(found), created: found.created };
    listener.ended(step, 'cached', entry);
    return { layers: [...base, ...found.layers.map((elsewhere) => ({ elsewhere, isBase: false as const }))], entry, keys: found.keys };
  }

  /** The layers, got where they are elsewhere. */
  async #here(layers: readonly AnyLayer[]): Promise<Layer[]> {
    const { report, hold } = this.#options;
    const here = await mapBounded(layers, PARALLEL_FETCHES, async (layer): Promise<Layer> => {
      if (!('elsewhere' in layer)) return layer;
      const { elsewhere } = layer;
      return { snapshotId: elsewhere.here() ?? (await elsewhere.fetch({ signal: this.#signal, report })), identity: elsewhere.diffId, isBase: false };
    });
    for (const { snapshotId } of here) hold(snapshotId);
    return here;
  }

  #workdir(step: Step, op: WorkdirOp, below: readonly Layer[]): Promise<StepResult> {
    const key = this.#key(op, below, []);
    return this.#cachedOr(step, key, below, (run) => this.#maker.inTurn({ step, key, below, change: (workspace) => executeWorkdir(op, workspace) }, run));
  }

  async #run(step: Step, op: RunOp, below: readonly Layer[]): Promise<StepResult> {
    const mounted = await Promise.all(op.mounts.map((mount, index) => this.#mounted(step, mount, index)));
    const key = this.#key(op, below, mounted.flatMap((one) => one?.key ?? []));
    const change = async (workspace: Workspace): Promise<boolean> => {
      const inputs = await Promise.all(mounted.map(async (one) => one?.input()));
      await using prepared = await prepareMounts(op, inputs, workspace, { caches: this.#services.mounts, given: this.#options.given });
      await runOrDebug(op, prepared, workspace, below, this.#services, this.#options.debug);
      return true;
    };
    return this.#cachedOr(step, key, below, (run) => this.#maker.inTurn({ step, key, below, change }, run));
  }

  /** The files that a mount shows: what of them counts for the key, and where they are once they are needed. */
  async #mounted(step: Step, mount: RunMount, index: number): Promise<{ readonly key: readonly string[]; input(): Promise<MountInput> } | undefined> {
    const from = await this.#input(step.mounts?.[index]);
    this.#signal.throwIfAborted();
    if (from) {
      const layers = await this.#here(from.layers);
      return { key: ['mount', String(index), ...identities(layers)], input: () => Promise.resolve({ lowerDirs: this.#maker.lowerDirs(layers) }) };
    }
    if (mount.kind !== 'bind' && (mount.kind !== 'cache' || mount.context === undefined)) return undefined;
    const { digest, files } = await this.#inputs.ofMount(mount, step.place);
    return { key: ['mount', String(index), digest], input: async () => ({ tree: treeOf(this.#inputs.tree, mount.context), selected: await files() }) };
  }

  async #copy(step: Step, op: CopyOp, below: readonly Layer[], from: readonly AnyLayer[] | undefined): Promise<StepResult> {
    if (from) return this.#copyFrom(step, op, below, await this.#here(from));
    if (op.remotes) return this.#addRemote(step, op, op.remotes, below);
    const { digest, files } = await this.#inputs.ofCopy(op, step.place);
    const key = this.#key(op, below, ['context', digest]);
    return this.#cachedOr(step, key, below, async (run) => this.#maker.inTurn({ step, key, below, ...this.#maker.copying(step, op, await files(), false) }, run));
  }

  /** What is elsewhere is fetched each time: only its content says whether anything changed. */
  async #addRemote(step: Step, op: CopyOp, remotes: readonly RemoteSource[], below: readonly Layer[]): Promise<StepResult> {
    const { listener, again } = this.#options;
    const signal = this.#signal;
    listener.started(step);
    return this.#services.slots.run(signal, async () => {
      await using temp = await this.#services.temps.create();
      const local = op.sources.length > 0 ? await this.#inputs.select(op, step.place) : [];
      const fetched = await mapBounded([...remotes.entries()], 4, ([index, remote]) => fetchRemote(remote, join(temp.path, `remote-${index}`), step.place, signal));
      const tree: SourceTree = { root: temp.path, digest: (entry) => fileDigest(entry.location, signal) };
      const all = [...local, ...fetched];
      const content = await contentKey(tree, all, false, signal);
      const definition = await this.#definitions.byContent(step, op, content);
      if (definition) this.#definitions.settle(step.id, definition.key);
      const key = this.#key(op, below, ['remote', content]);
      const known = again(step) ? undefined : this.#services.cache.get(key);
      const imported = known ? undefined : await this.#imported(step);
      if (imported) return imported;
      const print = (output: Output): void => listener.printed(step, output);
      const entry = known ?? (await this.#maker.make({ step, key, below, ...this.#maker.copying(step, op, all, false) }, { signal, print }));
      listener.ended(step, known ? 'cached' : 'finished', entry);
      return this.#stacked(below, entry);
    });
  }

  /**
   * A copy from another stage has two keys: one made of the stage's layers, known without looking, and one made of the
   * files' content, so that a stage that was made anew with the same result changes nothing behind it.
   */
  async #copyFrom(step: Step, op: CopyOp, below: readonly Layer[], from: readonly Layer[]): Promise<StepResult> {
    const quick = this.#key(op, below, ['layers', ...identities(from)]);
    const { cache } = this.#services;
    const isKnown = !this.#options.again(step) && cache.get(quick) !== undefined;
    const imported = this.#options.imports && !isKnown ? await this.#importedCopy(step, op, from) : undefined;
    if (imported) return imported;
    return this.#cachedOr(step, quick, below, (run) =>
      this.#services.slots.run(run.signal, () =>
        this.#looking(from, run.signal, op, step, async (tree, sources) => {
          const content = await contentKey(tree, sources, true, run.signal);
          const key = this.#key(op, below, ['content', content]);
          const known = this.#options.again(step) ? undefined : cache.get(key);
          const entry = { ...(known ?? (await this.#maker.make({ step, key, below, ...this.#maker.copying(step, op, sources, true), content }, run))), content };
          await cache.put({ ...entry, key: quick });
          return entry;
        }),
      ),
    );
  }

  async #importedCopy(step: Step, op: CopyOp, from: readonly Layer[]): Promise<StepResult | undefined> {
    const content = await this.#looking(from, this.#signal, op, step, (tree, sources) => contentKey(tree, sources, true, this.#signal));
    const definition = await this.#definitions.byContent(step, op, content);
    return definition && this.#imported(step, definition);
  }

  /** Does something with what a copy takes from a stage, while its files can be seen. */
  async #looking<T>(from: readonly Layer[], signal: AbortSignal, op: CopyOp, step: Step, work: (tree: SourceTree, sources: readonly SelectedSource[]) => Promise<T>): Promise<T> {
    await using temp = await this.#services.temps.create();
    await using view = await mountReadable(temp.path, this.#maker.lowerDirs(from));
    const tree: SourceTree = { root: view.root, digest: (entry) => fileDigest(entry.location, signal) };
    return await work(tree, await selectAll(op, tree, 'the files that --from names', step.place, signal));
  }

  async #cachedOr(step: Step, key: string, below: readonly Layer[], make: (run: Run) => Promise<CacheEntry>): Promise<StepResult> {
    const { listener, again } = this.#options;
    const known = again(step) ? undefined : this.#services.cache.get(key);
    if (known) {
      listener.ended(step, 'cached', known);
      return this.#stacked(below, known);
    }
    const imported = await this.#imported(step);
    if (imported) return imported;
    listener.started(step);
    const entry = await this.#services.shared.run(key, { signal: this.#signal, onOutput: (output) => listener.printed(step, output) }, (signal, print) => make({ signal, print }));
    listener.ended(step, 'finished', entry);
    return this.#stacked(below, entry);
  }

  #stacked(below: readonly Layer[], entry: CacheEntry): StepResult {
    if (entry.snapshotId === null) return { layers: below, entry };
    this.#options.hold(entry.snapshotId);
    return { layers: [...below, { snapshotId: entry.snapshotId, identity: entry.snapshotId, isBase: false }], entry };
  }

  /** A layer whose times are set is another than one whose times are those of its making. */
  #key(op: Op, below: readonly Layer[], inputs: readonly string[]): string {
    const { epoch } = this.#plan;
    return digestOf([KEY_VERSION, operationIdentity(op), identities(below), inputs, ...(epoch === undefined ? [] : [epoch])]);
  }
}

function fetchRemote(remote: RemoteSource, folder: string, at: Place, signal: AbortSignal): Promise<SelectedSource> {
  return remote.kind === 'git' ? fetchGit(remote, folder, at, signal) : fetchHttp(remote, folder, at, signal);
}

function place(step: Step, error: unknown): Error {
  if (error instanceof CommandFailed) return stepFailed({ ...step.place, command: error.command, exitCode: error.exitCode, output: error.output }, { cause: error });
  return locate(asBerthError(error), step.place);
}
