import * as vscode from 'vscode';
import type { Host } from '../hosts/host.ts';
import type { RemoteHosts } from '../hosts/remoteHosts.ts';
import type { RemoteHost, RemoteHostState } from '../model/remoteHosts.ts';
import { engineErrorWords } from '../words/engineErrorWords.ts';
import { linkStep } from '../words/linkWords.ts';
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
  readonly #subscriptions: Array<{ dispose(): void }>;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(host: Host, remote: RemoteHosts) {
    this.#host = host;
    this.#remote = remote;
    this.#view = vscode.window.createTreeView('berth.hosts', { treeDataProvider: this });
    this.#subscriptions = [
      host.onState(() => this.#changed.fire(this.#nodes.get(''))),
      remote.onChange((change) => this.#changed.fire(change.kind === 'item' ? this.#nodes.get(change.name) : undefined)),
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
    for (const one of [...this.#subscriptions, this.#view, this.#changed]) one.dispose();
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
  const word = stateWord(host);
  item.id = `remote ${host.name}`;
  item.description = host.isDefault ? vscode.l10n.t('{0}, default', word) : word;
  item.iconPath = stateIcon(host.state);
  item.contextValue = `host:${host.state}`;
  const why = host.error && (engineErrorWords(host.error.code, host.error.params) ?? host.error.message);
  item.tooltip = why === undefined ? host.url : `${host.url}\n${why}`;
  item.accessibilityInformation = { label: `${host.name}, ${word}` };
  return item;
}

function stateIcon(state: RemoteHostState): vscode.ThemeIcon {
  switch (state) {
    case 'connected':
      return new vscode.ThemeIcon('vm-running', new vscode.ThemeColor('charts.green'));
    case 'connecting':
      return new vscode.ThemeIcon('loading~spin');
    case 'reconnecting':
      return new vscode.ThemeIcon('sync~spin', new vscode.ThemeColor('charts.yellow'));
    case 'failed':
      return new vscode.ThemeIcon('error', new vscode.ThemeColor('charts.red'));
    case 'idle':
      return new vscode.ThemeIcon('vm-outline');
  }
}

function stateWord(host: RemoteHost): string {
  switch (host.state) {
    case 'connected':
      return host.engineServes ? vscode.l10n.t('connected') : vscode.l10n.t('connected, engine not running');
    case 'connecting':
      return linkStep(host);
    case 'reconnecting':
      return vscode.l10n.t('connection lost, connecting again');
    case 'failed':
      return vscode.l10n.t('failed');
    case 'idle':
      return vscode.l10n.t('not connected');
  }
}
