import * as vscode from 'vscode';
import type { Engines } from '../hosts/engines.ts';
import { containerItem } from './containerItem.ts';
import { engineItem } from './engineItem.ts';
import { EngineTree } from './engineTree.ts';
import { EngineNodes, isEngineNode } from './nodes.ts';
import type { ContainerNode, EngineNode } from './nodes.ts';

type Row = ContainerNode | EngineNode;

/** The view Containers: draws the stores, a row at a time, with the number of running containers as a badge. */
export class ContainersView implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #engines: Engines;
  readonly #nodes = new EngineNodes<ContainerNode>((host, id) => ({ kind: 'container', host, id }));
  readonly #tree: EngineTree<ContainerNode>;
  readonly #view: vscode.TreeView<Row>;
  readonly onDidChangeTreeData: vscode.Event<Row | undefined>;

  constructor(engines: Engines) {
    this.#engines = engines;
    this.#tree = new EngineTree<ContainerNode>(engines, {
      roots: ({ name, host }) => this.#nodes.of(name).keep(host.containers.all().map(({ id }) => id)),
      watch: ({ name, host }, changed) => [
        host.containers.onChange((change) => {
          const node = change.kind === 'item' ? this.#nodes.of(name).get(change.id) : undefined;
          if (change.kind === 'list' || node) changed(node);
          this.#drawBadge();
        }),
      ],
    });
    this.onDidChangeTreeData = this.#tree.onDidChangeTreeData;
    this.#view = vscode.window.createTreeView('berth.containers', { treeDataProvider: this, showCollapseAll: false });
  }

  getChildren(node?: Row): Row[] {
    if (!node) return this.#tree.roots();
    return isEngineNode(node) ? this.#tree.childrenOf(node) : [];
  }

  getTreeItem(node: Row): vscode.TreeItem {
    const engine = this.#engines.get(node.host);
    if (isEngineNode(node)) return engine ? engineItem(engine) : new vscode.TreeItem(node.host);
    const container = engine?.host.containers.get(node.id);
    return container ? containerItem(container, node.host) : new vscode.TreeItem(node.id);
  }

  dispose(): void {
    this.#tree.dispose();
    this.#view.dispose();
  }

  #drawBadge(): void {
    const value = this.#engines.running();
    if ((this.#view.badge?.value ?? 0) === value) return;
    this.#view.badge = value === 0 ? undefined : { value, tooltip: vscode.l10n.t('{0} running containers', value) };
  }
}
