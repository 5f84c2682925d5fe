import * as vscode from 'vscode';
import type { DevPort } from '../../engine/api/berth/port.ts';
import { rowId } from './engineItem.ts';
import { portAddress, portKey, portName } from '../model/portStore.ts';

/** The row above a dev container's ports. */
export function portsItem(host: string, devContainerKey: string, ports: readonly DevPort[]): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('Ports'), vscode.TreeItemCollapsibleState.Expanded);
  item.id = rowId(host, `ports\n${devContainerKey}`);
  item.iconPath = new vscode.ThemeIcon('plug');
  item.description = String(ports.length);
  item.contextValue = 'ports';
  return item;
}

/** The row of a port: its name, and where it is reached. */
export function portItem(port: DevPort, host: string): vscode.TreeItem {
  const where = portAddress(port) ?? vscode.l10n.t('not forwarded');
  const item = new vscode.TreeItem(port.label === undefined ? portName(port) : `${port.label} (${portName(port)})`);
  item.id = rowId(host, `port\n${port.containerId}\n${portKey(port)}`);
  item.iconPath = new vscode.ThemeIcon(port.listening ? 'circle-filled' : 'circle-outline', port.listening ? new vscode.ThemeColor('charts.green') : undefined);
  item.description = port.process ? `${where}  ${port.process.name}` : where;
  item.contextValue = `port:${port.local === undefined ? 'closed' : port.published ? 'published' : 'forwarded'}`;
  item.tooltip = [where, port.process?.command, port.problem?.message].filter((line) => line !== undefined).join('\n');
  item.accessibilityInformation = { label: port.listening ? vscode.l10n.t('Port {0}, {1}', portName(port), where) : vscode.l10n.t('Port {0}, {1}, nothing listens yet', portName(port), where) };
  return item;
}
