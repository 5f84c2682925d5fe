import * as vscode from 'vscode';
import type { Engine } from '../hosts/engines.ts';
import { local } from '../hosts/engines.ts';

/** The row above what one of several engines has. */
export function engineItem({ name, host, isLost }: Engine): vscode.TreeItem {
  const label = name === local ? vscode.l10n.t('This machine') : name;
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `engine ${name}`;
  item.iconPath = new vscode.ThemeIcon(name === local ? 'device-desktop' : 'remote');
  const isStopped = !host.connection && host.state.kind !== 'connecting';
  if (isLost()) item.description = vscode.l10n.t('connection lost, connecting again');
  else if (!host.connection) item.description = isStopped ? vscode.l10n.t('engine not running') : vscode.l10n.t('connecting');
  item.contextValue = `engine:${name === local ? 'local' : 'remote'}:${isStopped || isLost() ? 'stopped' : 'running'}`;
  item.accessibilityInformation = { label: item.description === undefined ? label : `${label}, ${String(item.description)}` };
  return item;
}

/** Rows of different engines may have the same id. */
export function rowId(host: string, id: string): string {
  return host === local ? id : `${host}\n${id}`;
}
