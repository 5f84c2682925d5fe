import { fitsPlatform, normalPlatform } from '../../base/platform.ts';
import type { History } from '../../content/oci.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { applyInstruction, parseInstruction } from '../instructions/table.ts';
import { triggerStatement } from '../instructions/onbuild.ts';
import { showPairs } from '../instructions/keyValues.ts';
import type { Place } from '../errors.ts';
import type { BaseImage } from '../ports.ts';
import { digestOf } from './digest.ts';
import type { BuildNetwork, BuildPlan, BuildPlatform, CommandSettings, MissingVariable, Op, PlannedInstruction, PlanOptions, Step } from './graph.ts';
import { findOrigin } from './outline.ts';
import type { Outline, OutlinedStage, Origin } from './outline.ts';
import { StageState } from './stageState.ts';
import type { CopySource, StageScope, StepInputs } from './stageState.ts';

type MutableStep = { -readonly [K in keyof Step]: Step[K] };

/**
 * Makes the graph of steps for a target. Pure: `images` holds the record of every image that the outline names.
 * Throws DOCKERFILE_SYNTAX or NOT_IMPLEMENTED with the place.
 */
export function planBuild(outline: Outline, images: ReadonlyMap<string, BaseImage>, options: PlanOptions): BuildPlan {
  return new Planner(outline, images, options).plan();
}

class Planner implements StageScope {
  readonly network: BuildNetwork;
  readonly settings: CommandSettings | undefined;
  readonly allowsInsecure: boolean;
  readonly allowsDevices: boolean;
  readonly #outline: Outline;
  readonly #images: ReadonlyMap<string, BaseImage>;
  readonly #options: PlanOptions;
  readonly #steps = new Map<string, MutableStep>();
  readonly #instructions: Array<Omit<PlannedInstruction, 'index'>> = [];
  readonly #stages = new Map<number, StageState>();
  readonly #missing: MissingVariable[] = [];
  #inTrigger = false;

  constructor(outline: Outline, images: ReadonlyMap<string, BaseImage>, options: PlanOptions) {
    this.#outline = outline;
    this.#images = images;
    this.#options = options;
    this.network = options.network;
    this.settings = options.settings;
    this.allowsInsecure = options.allowsInsecure ?? false;
    this.allowsDevices = options.allowsDevices ?? false;
  }

  plan(): BuildPlan {
    for (const stage of this.#outline.stages) if (this.#outline.needed.has(stage.index)) this.#planStage(stage);
    const target = this.#state(this.#outline.target);
    this.#addLabels(target);
    this.#markFinal(target.head);
    const epoch = this.#options.buildArgs['SOURCE_DATE_EPOCH'];
    const unconsumed = this.#outline.globals.unconsumed();
    return {
      steps: this.#steps,
      instructions: this.#instructions.map((instruction, index) => ({ index: index + 1, ...instruction })),
      target: target.head,
      config: target.imageConfig(),
      history: target.history,
      baseHistory: target.baseHistory,
      platform: target.platform,
      ...(target.author === undefined ? {} : { author: target.author }),
      ...(epoch !== undefined && /^\d{1,11}$/.test(epoch) ? { epoch: Number(epoch) } : {}),
      warnings: unconsumed.length === 0 ? [] : [`One or more build-args [${unconsumed.join(' ')}] were not consumed`],
      missing: this.#missing,
    };
  }

  argument(name: string, fallback: string | undefined): string | undefined {
    return this.#outline.globals.argument(name, fallback);
  }

  /** A platform that this host does not run by itself. */
  foreign(platform: BuildPlatform): BuildPlatform | undefined {
    return fitsPlatform(platform, this.#options.buildPlatform ?? this.#options.platform) ? undefined : platform;
  }

  ambient(): string[] {
    return this.#outline.globals.ambient();
  }

  copySource(token: Token, at: Statement, stage: number): CopySource {
    const origin = findOrigin(token.text, this.#outline.stages, stage, this.#options);
    if (origin.kind === 'context') return this.#outline.contexts.has(origin.name) ? { context: origin.name } : at.unsupported(`the context ${origin.name} named by an ONBUILD trigger`, token);
    return { step: this.#head(origin, at, token) };
  }

  addStep(step: StepInputs & { op: Op; parent?: string; at: Statement }): string {
    const { op, parent, from, at } = step;
    const mounts = step.mounts?.some((source) => source !== undefined) ? step.mounts : undefined;
    const id = digestOf([identity(op), parent ?? null, from ?? null, mounts?.map((source) => source ?? null) ?? null]);
    if (!this.#steps.has(id)) this.#steps.set(id, { id, op, place: at.place(), final: false, ...(parent === undefined ? {} : { parent }), ...(from === undefined ? {} : { from }), ...(mounts ? { mounts } : {}) });
    return id;
  }

  announce(at: Statement, stage: number, step?: string): void {
    const text = at.source.text.replace(/\s+/g, ' ');
    this.#instructions.push({ line: at.place().line, stage: this.#outline.stages[stage]?.label ?? String(stage), text, ...(step === undefined ? {} : { step }) });
  }

  missing(name: string, place: Place, stage: number, known: readonly string[]): void {
    if (!this.#inTrigger) this.#missing.push({ name, place, stage, known }); // a trigger is not the text of this Dockerfile
  }

  #planStage(stage: OutlinedStage): void {
    const { at, image } = stage.node.from;
    const head = this.#head(stage.base, at, image);
    this.announce(at, stage.index, head);
    const state = this.#baseState(stage, head);
    this.#stages.set(stage.index, state);
    if (stage.base.kind === 'context') state.history.push({ createdBy: `FROM ${stage.base.name}`, step: head });
    const triggers = state.config.OnBuild ?? [];
    if (stage.base.kind === 'image' && triggers.length > 0) {
      delete state.config.OnBuild;
      this.#inTrigger = true;
      for (const trigger of triggers) this.#applyTrigger(at, trigger, state);
      this.#inTrigger = false;
    }
    for (const node of stage.body) applyInstruction(node, state);
  }

  #applyTrigger(at: Statement, trigger: string, state: StageState): void {
    const node = parseInstruction(triggerStatement(at, trigger));
    if (node.kind === 'from') at.fail("FROM isn't allowed as an ONBUILD trigger");
    else applyInstruction(node, state);
  }

  #baseState(stage: OutlinedStage, head: string): StageState {
    if (stage.base.kind === 'stage') {
      const parent = this.#state(stage.base.index);
      return new StageState(this, stage.index, { config: parent.imageConfig(), head, platform: parent.platform, args: parent.args, declared: parent.declared, history: parent.history, baseHistory: parent.baseHistory, author: parent.author });
    }
    const image = stage.base.kind === 'image' ? this.#images.get(stage.base.key) : undefined;
    const config = image?.config;
    const platform = config ? normalPlatform(config) : stage.platform;
    return new StageState(this, stage.index, { config: config?.config ?? {}, head, platform, baseHistory: paddedHistory(config?.history ?? [], image?.layers.length ?? 0), author: config?.author });
  }

  #head(origin: Origin, at: Statement, token: Token): string {
    if (origin.kind === 'stage') return this.#state(origin.index).head;
    if (origin.kind === 'scratch') return this.#scratch(at);
    // A stage upon files: nothing but them.
    if (origin.kind === 'context') return this.addStep({ op: { kind: 'copy', sources: ['.'], inline: [], dest: '/', unpack: false, context: origin.name }, parent: this.#scratch(at), at });
    const { ref } = origin.image;
    const image = this.#images.get(origin.key);
    if (!image) return at.unsupported(`the image ${ref} named by an ONBUILD trigger`, token);
    return this.addStep({ op: { kind: 'source', ref, layers: image.layers }, at });
  }

  #scratch(at: Statement): string {
    return this.addStep({ op: { kind: 'source', ref: 'scratch', layers: [] }, at });
  }

  #state(index: number): StageState {
    const state = this.#stages.get(index);
    if (!state) throw new Error(`stage ${index} was not planned before it was used`);
    return state;
  }

  #addLabels(target: StageState): void {
    const labels = Object.entries(this.#options.labels);
    if (labels.length === 0) return;
    target.config.Labels = { ...target.config.Labels, ...this.#options.labels };
    target.history.push({ createdBy: `LABEL ${showPairs(labels)}` });
  }

  #markFinal(head: string): void {
    for (let step = this.#steps.get(head); step; step = step.parent === undefined ? undefined : this.#steps.get(step.parent)) step.final = true;
  }
}

/** A history has one entry for each layer; images without one get it. */
function paddedHistory(history: readonly History[], layers: number): History[] {
  const missing = layers - history.filter((entry) => entry.empty_layer !== true).length;
  return [...history, ...Array.from({ length: Math.max(0, missing) }, () => ({ comment: 'layer without history' }))];
}

/** What of an operation decides its result; names of images and proxies do not. */
function identity(op: Op): unknown {
  if (op.kind === 'source') return ['source', op.layers.map((layer) => layer.diffId)];
  if (op.kind === 'run') return ['run', op.args, op.env, op.cwd, op.user, op.network, ...(op.mounts.length > 0 ? [op.mounts] : []), ...(op.insecure ? ['insecure'] : []), ...(op.platform ? ['platform', op.platform] : []), ...(op.devices ? ['devices', op.devices] : []), ...(op.settings ? ['settings', settingsIdentity(op.settings)] : [])];
  if (op.kind === 'workdir') return ['workdir', op.path, op.owner];
  return ['copy', op.sources, op.inline, op.dest, op.owner ?? null, op.mode ?? null, op.unpack, ...(op.exclude ? ['exclude', op.exclude] : []), ...(op.parents ? ['parents'] : []), ...(op.remotes ? ['remotes', op.remotes] : []), ...(op.context === undefined ? [] : ['context', op.context])];
}

/** Of hosts their names, as BuildKit has it: where one is found differs from machine to machine. */
function settingsIdentity({ hosts = [], shmSize, ulimits = [] }: CommandSettings): unknown {
  return [hosts.map(({ name }) => name), shmSize ?? null, ulimits.map(({ Name, Soft, Hard }) => [Name, Soft, Hard])];
}

export { identity as operationIdentity };
