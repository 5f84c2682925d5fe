import * as vscode from 'vscode';
import type { Host } from '../hosts/host.ts';
import type { RemoteHosts } from '../hosts/remoteHosts.ts';
import type { RemoteHost, RemoteHostState } from '../model/remoteHosts.ts';
import { NodeCache } from './nodes.ts';

/** A row of the view: a remote host by its name, or (empty) this machine. */
export interface HostNode {
  readonly kind: 'host';
  readonly name: string;
}

export function isHostNode(value: unknown): value is HostNode {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'host' && 'name' in value && typeof value.name === 'string';
}

/** The view Hosts: this machine's engine and the user's remote hosts, each a root of its own. */
export class HostsView implements vscode.TreeDataProvider<HostNode>, vscode.Disposable {
  readonly #host: Host;
  readonly #remote: RemoteHosts;
  readonly #nodes = new NodeCache<HostNode>((name) => ({ kind: 'host', name }));
  readonly #changed = new vscode.EventEmitter<HostNode | undefined>();
  readonly #view: vscode.TreeView<HostNode>;
  readonly #subscriptions: vscode.Disposable[];
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(host: Host, remote: RemoteHosts) {
    this.#host = host;
    this.#remote = remote;
    this.#view = vscode.window.createTreeView('berth.hosts', { treeDataProvider: this });
    this.#subscriptions = [
      host.onState(() => this.#changed.fire(this.#nodes.get(''))),
      remote.onChange(() => this.#changed.fire(undefined)),
      this.#view.onDidChangeVisibility(({ visible }) => (visible ? void remote.refresh() : undefined)),
    ];
  }

  getChildren(node?: HostNode): HostNode[] {
    return node ? [] : this.#nodes.keep(['', ...this.#remote.all().map((host) => host.name)]);
  }

  getTreeItem(node: HostNode): vscode.TreeItem {
    if (node.name === '') return localItem(this.#host);
    const host = this.#remote.get(node.name);
    return host ? remoteItem(host) : new vscode.TreeItem(node.name);
  }

  dispose(): void {
    vscode.Disposable.from(...this.#subscriptions, this.#view, this.#changed).dispose();
  }
}

function localItem(host: Host): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('This machine'));
  const word = host.connection ? vscode.l10n.t('connected') : vscode.l10n.t('not running');
  item.id = 'local';
  item.description = word;
  item.iconPath = new vscode.ThemeIcon('device-desktop');
  item.contextValue = 'host:local';
  item.accessibilityInformation = { label: `${vscode.l10n.t('This machine')}, ${word}` };
  return item;
}

function remoteItem(host: RemoteHost): vscode.TreeItem {
  const item = new vscode.TreeItem(host.name);
  const word = stateWord(host.state);
  item.id = `remote ${host.name}`;
  item.description = host.isDefault ? vscode.l10n.t('{0}, default', word) : word;
  item.iconPath = host.state === 'connected' ? new vscode.ThemeIcon('vm-running', new vscode.ThemeColor('charts.green')) : new vscode.ThemeIcon(host.state === 'failed' ? 'error' : 'remote');
  item.contextValue = `host:${host.state}`;
  item.tooltip = host.detail === undefined ? host.url : `${host.url}\n${host.detail}`;
  item.accessibilityInformation = { label: `${host.name}, ${word}` };
  return item;
}

function stateWord(state: RemoteHostState): string {
  switch (state) {
    case 'connected':
      return vscode.l10n.t('connected');
    case 'connecting':
      return vscode.l10n.t('connecting');
    case 'reconnecting':
      return vscode.l10n.t('connecting again');
    case 'failed':
      return vscode.l10n.t('failed');
    case 'idle':
      return vscode.l10n.t('not connected');
  }
}
