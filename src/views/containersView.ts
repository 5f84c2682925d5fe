import * as vscode from 'vscode';
import type { ContainerStore } from '../model/containerStore.ts';
import { containerItem } from './containerItem.ts';
import { NodeCache } from './nodes.ts';
import type { ContainerNode } from './nodes.ts';

/** The view Containers: draws the store, a row at a time, with the number of running containers as a badge. */
export class ContainersView implements vscode.TreeDataProvider<ContainerNode>, vscode.Disposable {
  readonly #store: ContainerStore;
  readonly #nodes = new NodeCache<ContainerNode>((id) => ({ kind: 'container', id }));
  readonly #changed = new vscode.EventEmitter<ContainerNode | undefined>();
  readonly #view: vscode.TreeView<ContainerNode>;
  readonly #subscription: vscode.Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: ContainerStore) {
    this.#store = store;
    this.#view = vscode.window.createTreeView('berth.containers', { treeDataProvider: this, showCollapseAll: false });
    this.#subscription = store.onChange((change) => {
      const node = change.kind === 'item' ? this.#nodes.get(change.id) : undefined;
      if (change.kind === 'list' || node) this.#changed.fire(node);
      this.#drawBadge();
    });
  }

  getChildren(node?: ContainerNode): ContainerNode[] {
    return node ? [] : this.#nodes.keep(this.#store.all().map((container) => container.id));
  }

  getTreeItem(node: ContainerNode): vscode.TreeItem {
    const container = this.#store.get(node.id);
    return container ? containerItem(container) : new vscode.TreeItem(node.id);
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  #drawBadge(): void {
    const value = this.#store.running();
    if ((this.#view.badge?.value ?? 0) === value) return;
    this.#view.badge = value === 0 ? undefined : { value, tooltip: vscode.l10n.t('{0} running containers', value) };
  }
}
