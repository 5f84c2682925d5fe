import { formatPlatform, hostPlatform } from '../../base/platform.ts';
import { digestOf } from '../plan/digest.ts';
import type { BuildPlan, CopyOp, Op, RunOp, Step } from '../plan/graph.ts';
import { operationIdentity } from '../plan/planBuild.ts';
import type { ContextInputs } from './contextInputs.ts';

/** What a step is by its definition, the same on every machine. */
export interface Definition {
  readonly key: string;
  /** It, or something that it stands on, is to be done again: nobody's result counts. */
  readonly again: boolean;
}

/** Changes when a key means something else than before. */
const KEY_VERSION = 1;

/**
 * Keys of steps for caches that leave this machine: the digest of the instruction, of the keys of the steps that it builds on, of base
 * images' diffIDs, of the content of files of contexts, and, where a command runs, of the platform it is for. No step has to be done to know one, unless it adds what is elsewhere.
 */
export class Definitions {
  readonly #plan: BuildPlan;
  readonly #context: ContextInputs;
  readonly #again: (step: Step) => boolean;
  readonly #settled = new Map<string, string>();

  constructor(plan: BuildPlan, context: ContextInputs, again: (step: Step) => boolean) {
    this.#plan = plan;
    this.#context = context;
    this.#again = again;
  }

  /** A step turned out to be what is known under this key: what comes behind builds on it. */
  settle(id: string, key: string): void {
    this.#settled.set(id, key);
  }

  /** undefined: what the step adds must be fetched first. */
  async of(id: string): Promise<Definition | undefined> {
    const step = this.#plan.steps.get(id);
    if (!step) throw new Error(`the plan has no step ${id}`);
    const { op } = step;
    if (op.kind === 'source') return { key: this.#digest(['source', op.layers.map(({ diffId }) => diffId)]), again: false };
    const parent = await this.#of(step.parent);
    const inputs = op.kind === 'copy' ? await this.#copied(step, op) : op.kind === 'run' ? await this.#mounted(step, op) : { parts: [], again: false };
    if (!parent || !inputs) return undefined;
    const key = this.#settled.get(id) ?? (inputs.parts && this.#digest([portableIdentity(op), parent.key, inputs.parts]));
    return key === undefined ? undefined : { key, again: this.#again(step) || parent.again || inputs.again };
  }

  /** The key of a copy from another stage by what it copies, whatever stage that is of; or of what was fetched. */
  async byContent(step: Step, op: CopyOp, content: string): Promise<Definition | undefined> {
    const parent = await this.#of(step.parent);
    return parent && { key: this.#digest([portableIdentity(op), parent.key, ['content', content]]), again: this.#again(step) || parent.again };
  }

  #of(id: string | undefined): Promise<Definition | undefined> {
    return id === undefined ? Promise.resolve({ key: '', again: false }) : this.of(id);
  }

  async #copied(step: Step, op: CopyOp): Promise<{ parts?: unknown[]; again: boolean } | undefined> {
    if (op.remotes) return { again: false };
    if (step.from === undefined) return { parts: ['context', (await this.#context.ofCopy(op, step.place)).digest], again: false };
    const from = await this.of(step.from);
    return from && { parts: ['step', from.key], again: from.again };
  }

  async #mounted(step: Step, op: RunOp): Promise<{ parts: unknown[]; again: boolean } | undefined> {
    const parts: unknown[] = [];
    let again = false;
    for (const [index, mount] of op.mounts.entries()) {
      const source = step.mounts?.[index];
      if (source !== undefined) {
        const from = await this.of(source);
        if (!from) return undefined;
        parts.push([index, 'step', from.key]);
        again ||= from.again;
      } else if (mount.kind === 'bind' || (mount.kind === 'cache' && mount.context !== undefined)) parts.push([index, 'context', (await this.#context.ofMount(mount, step.place)).digest]);
    }
    return { parts, again };
  }

  #digest(parts: unknown): string {
    return digestOf(['portable', KEY_VERSION, parts, this.#plan.epoch ?? null]);
  }
}

/** An operation as every machine says it: a command is for a platform, whether this host runs that by itself or not; a context is its files, whatever it is called. */
function portableIdentity(op: Op): unknown {
  if (op.kind === 'copy') return operationIdentity(withoutContext(op));
  if (op.kind !== 'run') return operationIdentity(op);
  const { platform = hostPlatform(), ...command } = op;
  return [operationIdentity({ ...command, mounts: op.mounts.map(withoutContext) }), formatPlatform(platform)];
}

function withoutContext<T extends object>(named: T): T {
  return { ...named, context: undefined };
}
