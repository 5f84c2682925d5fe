import { contentKey } from '../copy/contentKey.ts';
import { treeOf } from '../copy/selectSources.ts';
import type { SelectedSource, SourceTree } from '../copy/selectSources.ts';
import type { Place } from '../errors.ts';
import { selectAll } from '../ops/copy.ts';
import { digestOf } from '../plan/digest.ts';
import type { CopyOp, RunMount } from '../plan/graph.ts';
import { operationIdentity } from '../plan/planBuild.ts';

type Chosen = Pick<CopyOp, 'sources' | 'exclude' | 'parents' | 'context'>;

/** Files of a context that a step wants. */
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

  ofMount({ source, context }: Extract<RunMount, { kind: 'bind' | 'cache' }>, place: Place): Promise<ContextInput> {
    return this.#of(digestOf(['mount', source, ...(context === undefined ? [] : [context])]), { sources: [source], ...(context === undefined ? {} : { context }) }, place);
  }

  async select(op: Chosen, place: Place): Promise<SelectedSource[]> {
    const tree = treeOf(this.tree, op.context);
    await tree.prepare?.();
    return selectAll(op, tree, `${op.context === undefined ? 'build context' : `the context ${op.context}`} or excluded by .dockerignore`, place, this.#signal);
  }

  #of(operation: string, op: Chosen, place: Place): Promise<ContextInput> {
    const known = this.#known.get(operation) ?? this.#find(operation, op, place);
    this.#known.set(operation, known);
    return known;
  }

  async #find(operation: string, op: Chosen, place: Place): Promise<ContextInput> {
    const tree = treeOf(this.tree, op.context);
    const { contents } = tree;
    let selected: Promise<SelectedSource[]> | undefined;
    const files = (): Promise<SelectedSource[]> => (selected ??= this.select(op, place));
    const digest = contents?.get(operation) ?? (await contentKey(tree, await files(), false, this.#signal));
    contents?.set(operation, digest);
    return { digest, files };
  }
}
