import { StringDecoder } from 'node:string_decoder';
import type { BuildEvent, BuildStepStatus } from '../api/berth/build.ts';
import type { CacheEntry } from './cache/stepCache.ts';
import type { BuildPlan, PlannedInstruction, Step } from './plan/graph.ts';
import type { SolveListener } from './solve/solving.ts';
import type { Output } from './solve/sharedWork.ts';

/** Tells of a build's steps as events about the Dockerfile's instructions. */
export class BuildProgress implements SolveListener {
  readonly #emit: (event: BuildEvent) => void;
  readonly #total: number;
  /** Before those of this plan come the instructions of plans for other platforms. */
  readonly #offset: number;
  readonly #label: string;
  readonly #instructions = new Map<string, PlannedInstruction[]>();
  readonly #begun = new Map<string, number>();
  readonly #decoders = new Map<string, StringDecoder>();
  /** Whether every step so far came from the cache. */
  allCached = true;

  constructor(plan: BuildPlan, emit: (event: BuildEvent) => void, among: { readonly offset: number; readonly total: number; readonly label: string } = { offset: 0, total: plan.instructions.length, label: '' }) {
    this.#emit = emit;
    this.#total = among.total;
    this.#offset = among.offset;
    this.#label = among.label;
    if (this.#offset === 0) emit({ type: 'plan', total: this.#total });
    for (const message of plan.warnings) emit({ type: 'warning', message });
    for (const instruction of plan.instructions) {
      if (instruction.step === undefined) this.#tell(instruction, 'finished');
      else this.#instructions.set(instruction.step, [...(this.#instructions.get(instruction.step) ?? []), instruction]);
    }
  }

  started(step: Step): void {
    this.#begun.set(step.id, performance.now());
    this.#tellStep(step, 'started');
  }

  ended(step: Step, how: 'cached' | 'finished' | 'failed', entry?: Pick<CacheEntry, 'snapshotId'>): void {
    if (how !== 'cached' && step.op.kind !== 'source') this.allCached = false;
    for (const stream of ['stdout', 'stderr'] as const) this.#log(step, stream, this.#decoders.get(`${stream} ${step.id}`)?.end() ?? '');
    const begun = this.#begun.get(step.id);
    const details = { ...(begun === undefined ? {} : { durationMs: Math.round(performance.now() - begun) }), ...(entry?.snapshotId ? { layer: entry.snapshotId.slice(0, 12) } : {}) };
    this.#tellStep(step, how, details);
  }

  /** The steps that nobody needed, as a cache had what would have needed them. */
  passedOver(plan: BuildPlan, results: ReadonlyMap<string, unknown>): void {
    for (const step of plan.steps.values()) if (!results.has(step.id)) this.#tellStep(step, step.op.kind === 'source' ? 'finished' : 'cached');
  }

  printed(step: Step, output: Output): void {
    const key = `${output.stream} ${step.id}`;
    const decoder = this.#decoders.get(key) ?? new StringDecoder('utf8');
    this.#decoders.set(key, decoder);
    this.#log(step, output.stream, decoder.write(output.chunk));
  }

  #log(step: Step, stream: 'stdout' | 'stderr', text: string): void {
    const [first] = this.#instructions.get(step.id) ?? [];
    if (first && text !== '') this.#emit({ type: 'log', index: this.#offset + first.index, stream, text });
  }

  #tellStep(step: Step, status: BuildStepStatus, details: object = {}): void {
    for (const instruction of this.#instructions.get(step.id) ?? []) this.#tell(instruction, status, details);
  }

  #tell({ index, line, stage, text }: PlannedInstruction, status: BuildStepStatus, details: object = {}): void {
    this.#emit({ type: 'step', index: this.#offset + index, total: this.#total, line, stage: `${this.#label}${stage}`, text, status, ...details });
  }
}
