import * as vscode from 'vscode';
import type { Engine } from '../hosts/engines.ts';
import { local } from '../hosts/engines.ts';

/** The row above what one of several engines has. */
export function engineItem({ name, host }: Engine): vscode.TreeItem {
  const label = name === local ? vscode.l10n.t('This machine') : name;
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `engine ${name}`;
  item.iconPath = new vscode.ThemeIcon(name === local ? 'device-desktop' : 'remote');
  if (!host.connection) item.description = host.state.kind === 'connecting' ? vscode.l10n.t('connecting') : vscode.l10n.t('engine not running');
  item.contextValue = name === local ? 'engine:local' : 'engine:remote';
  item.accessibilityInformation = { label: item.description === undefined ? label : `${label}, ${String(item.description)}` };
  return item;
}

/** Rows of different engines may have the same id. */
export function rowId(host: string, id: string): string {
  return host === local ? id : `${host}\n${id}`;
}
