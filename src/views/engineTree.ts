import * as vscode from 'vscode';
import type { Engine, Engines } from '../hosts/engines.ts';
import { NodeCache } from './nodes.ts';
import type { EngineNode } from './nodes.ts';

/** How a view draws what each engine has. */
export interface EngineRows<Row> {
  readonly roots: (engine: Engine) => Row[];
  /** Tells which row of an engine is to be drawn again; undefined: all of them. */
  readonly watch: (engine: Engine, changed: (row: Row | undefined) => void) => ReadonlyArray<{ dispose(): void }>;
}

/** What the trees of containers have in common: with one engine its rows are the roots, with several each engine is a root of its own. */
export class EngineTree<Row> implements vscode.Disposable {
  readonly #engines: Engines;
  readonly #rows: EngineRows<Row>;
  readonly #nodes = new NodeCache<EngineNode>((host) => ({ kind: 'engine', host }));
  readonly #changed = new vscode.EventEmitter<Row | EngineNode | undefined>();
  readonly #subscription: { dispose(): void };
  #watching: Array<{ dispose(): void }> = [];
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(engines: Engines, rows: EngineRows<Row>) {
    this.#engines = engines;
    this.#rows = rows;
    this.#subscription = engines.onChange(() => {
      this.#watch();
      this.#changed.fire(undefined);
    });
    this.#watch();
  }

  roots(): Array<Row | EngineNode> {
    const all = this.#engines.all();
    return all.length === 1 ? this.#rows.roots(this.#engines.local) : this.#nodes.keep(all.map(({ name }) => name));
  }

  childrenOf(node: EngineNode): Row[] {
    const engine = this.#engines.get(node.host);
    return engine ? this.#rows.roots(engine) : [];
  }

  dispose(): void {
    for (const one of [...this.#watching, this.#subscription, this.#changed]) one.dispose();
  }

  #watch(): void {
    for (const one of this.#watching) one.dispose();
    this.#watching = this.#engines.all().flatMap((engine) => [
      ...this.#rows.watch(engine, (row) => this.#changed.fire(row ?? this.#rootOf(engine))),
      engine.host.onState(() => this.#changed.fire(this.#rootOf(engine))),
    ]);
  }

  /** Undefined: the tree itself. */
  #rootOf(engine: Engine): EngineNode | undefined {
    return this.#engines.all().length === 1 ? undefined : this.#nodes.get(engine.name);
  }
}
