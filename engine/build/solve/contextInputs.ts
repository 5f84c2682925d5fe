import { contentKey } from '../copy/contentKey.ts';
import type { SelectedSource, SourceTree } from '../copy/selectSources.ts';
import type { Place } from '../errors.ts';
import { selectAll } from '../ops/copy.ts';
import { digestOf } from '../plan/digest.ts';
import type { CopyOp, RunMount } from '../plan/graph.ts';
import { operationIdentity } from '../plan/planBuild.ts';

/** Files of the context that a step wants. */
export interface ContextInput {
  /** Of all that counts of them. */
  readonly digest: string;
  readonly files: () => Promise<SelectedSource[]>;
}

/** What the steps of a build take from its context: digests are found once, files only where a step is done. */
export class ContextInputs {
  readonly tree: SourceTree;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Promise<ContextInput>>();

  constructor(tree: SourceTree, signal: AbortSignal) {
    this.tree = tree;
    this.#signal = signal;
  }

  ofCopy(op: CopyOp, place: Place): Promise<ContextInput> {
    return this.#of(digestOf(operationIdentity(op)), op, place);
  }

  ofMount(mount: Extract<RunMount, { kind: 'bind' }>, place: Place): Promise<ContextInput> {
    return this.#of(digestOf(['mount', mount.source]), { sources: [mount.source] }, place);
  }

  async select(op: Pick<CopyOp, 'sources' | 'exclude' | 'parents'>, place: Place): Promise<SelectedSource[]> {
    await this.tree.prepare?.();
    return selectAll(op, this.tree, 'build context or excluded by .dockerignore', place, this.#signal);
  }

  #of(operation: string, op: Pick<CopyOp, 'sources' | 'exclude' | 'parents'>, place: Place): Promise<ContextInput> {
    const known = this.#known.get(operation) ?? this.#find(operation, op, place);
    this.#known.set(operation, known);
    return known;
  }

  async #find(operation: string, op: Pick<CopyOp, 'sources' | 'exclude' | 'parents'>, place: Place): Promise<ContextInput> {
    const { contents } = this.tree;
    let selected: Promise<SelectedSource[]> | undefined;
    const files = (): Promise<SelectedSource[]> => (selected ??= this.select(op, place));
    const digest = contents?.get(operation) ?? (await contentKey(this.tree, await files(), false, this.#signal));
    contents?.set(operation, digest);
    return { digest, files };
  }
}
