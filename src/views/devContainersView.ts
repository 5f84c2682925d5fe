import * as vscode from 'vscode';
import type { DevPort } from '../../engine/api/berth/port.ts';
import type { Engine, Engines } from '../hosts/engines.ts';
import { portKey } from '../model/portStore.ts';
import { devContainerItem } from './devContainerItem.ts';
import { engineItem } from './engineItem.ts';
import { EngineTree } from './engineTree.ts';
import { EngineNodes, isEngineNode } from './nodes.ts';
import type { DevContainerNode, EngineNode, PortNode, PortsNode } from './nodes.ts';
import { portItem, portsItem } from './portItem.ts';

type Row = DevContainerNode | PortsNode | PortNode | EngineNode;

/** The view Dev Containers: the definitions of the workspace, and what the engines made from them and from others, with the ports of what runs. */
export class DevContainersView implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #engines: Engines;
  readonly #nodes = new EngineNodes<DevContainerNode>((host, key) => ({ kind: 'devContainer', host, key }));
  readonly #tree: EngineTree<DevContainerNode>;
  readonly #view: vscode.TreeView<Row>;
  readonly onDidChangeTreeData: vscode.Event<Row | undefined>;

  constructor(engines: Engines) {
    this.#engines = engines;
    this.#tree = new EngineTree<DevContainerNode>(engines, {
      roots: ({ name, devContainers }) => this.#nodes.of(name).keep(devContainers.all().map(({ key }) => key)),
      watch: (engine, changed) => this.#watch(engine, changed),
    });
    this.onDidChangeTreeData = this.#tree.onDidChangeTreeData;
    this.#view = vscode.window.createTreeView('berth.devContainers', { treeDataProvider: this, showCollapseAll: false });
  }

  getChildren(node?: Row): Row[] {
    if (!node) return this.#tree.roots();
    if (isEngineNode(node)) return this.#tree.childrenOf(node);
    if (node.kind === 'port') return [];
    const ports = this.#portsOf(node);
    if (node.kind === 'devContainer') return ports.length === 0 ? [] : [{ kind: 'ports', host: node.host, key: node.key }];
    return ports.map((port) => ({ kind: 'port', host: node.host, containerId: port.containerId, port: portKey(port) }));
  }

  getTreeItem(node: Row): vscode.TreeItem {
    const engine = this.#engines.get(node.host);
    if (isEngineNode(node)) return engine ? engineItem(engine) : new vscode.TreeItem(node.host);
    if (node.kind === 'ports') return portsItem(node.host, node.key, this.#portsOf(node));
    if (node.kind === 'port') {
      const port = engine?.ports.get(node.containerId, node.port);
      return port ? portItem(port, node.host) : new vscode.TreeItem(node.port);
    }
    const item = engine?.devContainers.get(node.key);
    return item ? devContainerItem(item, this.#portsOf(node).length > 0) : new vscode.TreeItem(node.key);
  }

  dispose(): void {
    this.#tree.dispose();
    this.#view.dispose();
  }

  #watch({ name, devContainers, ports }: Engine, changed: (row: DevContainerNode | undefined) => void): Array<{ dispose(): void }> {
    return [
      devContainers.onChange((change) => {
        const node = change.kind === 'item' ? this.#nodes.of(name).get(change.key) : undefined;
        if (change.kind === 'list' || node) changed(node);
      }),
      ports.onChange((containerId) => {
        const key = devContainers.all().find(({ container }) => container?.id === containerId)?.key;
        const node = key === undefined ? undefined : this.#nodes.of(name).get(key);
        if (node) changed(node);
      }),
    ];
  }

  #portsOf({ host, key }: DevContainerNode | PortsNode): readonly DevPort[] {
    const engine = this.#engines.get(host);
    const { container, state } = engine?.devContainers.get(key) ?? {};
    return engine && container && state === 'running' ? engine.ports.of(container.id) : [];
  }
}
