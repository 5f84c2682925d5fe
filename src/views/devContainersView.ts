import * as vscode from 'vscode';
import type { DevContainerStore } from '../model/devContainerStore.ts';
import { portKey } from '../model/portStore.ts';
import type { PortStore } from '../model/portStore.ts';
import { devContainerItem } from './devContainerItem.ts';
import { NodeCache } from './nodes.ts';
import type { DevContainerNode, PortNode, PortsNode } from './nodes.ts';
import { portItem, portsItem } from './portItem.ts';

type Row = DevContainerNode | PortsNode | PortNode;

/** The view Dev Containers: the definitions of the workspace, and what the engine made from them and from others, with the ports of what runs. */
export class DevContainersView implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #store: DevContainerStore;
  readonly #ports: PortStore;
  readonly #nodes = new NodeCache<DevContainerNode>((key) => ({ kind: 'devContainer', key }));
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  readonly #view: vscode.TreeView<Row>;
  readonly #subscriptions: vscode.Disposable[];
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: DevContainerStore, ports: PortStore) {
    this.#store = store;
    this.#ports = ports;
    this.#view = vscode.window.createTreeView('berth.devContainers', { treeDataProvider: this, showCollapseAll: false });
    this.#subscriptions = [
      store.onChange((change) => {
        const node = change.kind === 'item' ? this.#nodes.get(change.key) : undefined;
        if (change.kind === 'list' || node) this.#changed.fire(node);
      }),
      ports.onChange((containerId) => {
        const key = store.all().find(({ container }) => container?.id === containerId)?.key;
        const node = key === undefined ? undefined : this.#nodes.get(key);
        if (node) this.#changed.fire(node);
      }),
    ];
  }

  getChildren(node?: Row): Row[] {
    if (!node) return this.#nodes.keep(this.#store.all().map((item) => item.key));
    if (node.kind === 'port') return [];
    const ports = this.#portsOf(node.key);
    if (node.kind === 'devContainer') return ports.length === 0 ? [] : [{ kind: 'ports', key: node.key }];
    return ports.map((port) => ({ kind: 'port', containerId: port.containerId, port: portKey(port) }));
  }

  getTreeItem(node: Row): vscode.TreeItem {
    if (node.kind === 'ports') return portsItem(node.key, this.#portsOf(node.key));
    if (node.kind === 'port') {
      const port = this.#ports.get(node.containerId, node.port);
      return port ? portItem(port) : new vscode.TreeItem(node.port);
    }
    const item = this.#store.get(node.key);
    return item ? devContainerItem(item, this.#portsOf(node.key).length > 0) : new vscode.TreeItem(node.key);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  #portsOf(key: string): ReturnType<PortStore['of']> {
    const { container, state } = this.#store.get(key) ?? {};
    return container && state === 'running' ? this.#ports.of(container.id) : [];
  }
}
