import * as vscode from 'vscode';
import type { DevContainerStore } from '../model/devContainerStore.ts';
import { devContainerItem } from './devContainerItem.ts';
import { NodeCache } from './nodes.ts';
import type { DevContainerNode } from './nodes.ts';

/** The view Dev Containers: the definitions of the workspace, and what the engine made from them and from others. */
export class DevContainersView implements vscode.TreeDataProvider<DevContainerNode>, vscode.Disposable {
  readonly #store: DevContainerStore;
  readonly #nodes = new NodeCache<DevContainerNode>((key) => ({ kind: 'devContainer', key }));
  readonly #changed = new vscode.EventEmitter<DevContainerNode | undefined>();
  readonly #view: vscode.TreeView<DevContainerNode>;
  readonly #subscription: vscode.Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: DevContainerStore) {
    this.#store = store;
    this.#view = vscode.window.createTreeView('berth.devContainers', { treeDataProvider: this, showCollapseAll: false });
    this.#subscription = store.onChange((change) => {
      const node = change.kind === 'item' ? this.#nodes.get(change.key) : undefined;
      if (change.kind === 'list' || node) this.#changed.fire(node);
    });
  }

  getChildren(node?: DevContainerNode): DevContainerNode[] {
    return node ? [] : this.#nodes.keep(this.#store.all().map((item) => item.key));
  }

  getTreeItem(node: DevContainerNode): vscode.TreeItem {
    const item = this.#store.get(node.key);
    return item ? devContainerItem(item) : new vscode.TreeItem(node.key);
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}
