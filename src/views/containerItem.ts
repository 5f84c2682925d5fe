import * as vscode from 'vscode';
import { shortId } from '../model/containerState.ts';
import type { Container, Port } from '../model/containerState.ts';
import { rowId } from './engineItem.ts';
import { lookOf } from './stateLook.ts';

/** The row of a container. */
export function containerItem(container: Container, host: string): vscode.TreeItem {
  const look = lookOf(container.state);
  const item = new vscode.TreeItem(container.name);
  item.id = rowId(host, container.id);
  item.iconPath = look.icon;
  item.description = [container.image, ...container.ports.map(portText)].join('  ');
  item.contextValue = `container:${container.state}`;
  item.tooltip = containerTooltip(container);
  item.accessibilityInformation = { label: vscode.l10n.t('{0}, {1}, image {2}', container.name, look.word, container.image) };
  return item;
}

export function containerTooltip(container: Container): vscode.MarkdownString {
  const rows: Array<[string, string]> = [
    [vscode.l10n.t('State'), lookOf(container.state).word],
    [vscode.l10n.t('Image'), container.image],
    [vscode.l10n.t('Id'), shortId(container.id)],
    [vscode.l10n.t('Created'), new Date(container.created * 1000).toLocaleString(vscode.env.language)],
    ...container.ports.map((port): [string, string] => [vscode.l10n.t('Port'), portText(port)]),
  ];
  const text = new vscode.MarkdownString();
  text.appendMarkdown('**').appendText(container.name).appendMarkdown('**\n\n');
  for (const [name, value] of rows) text.appendText(`${name}: ${value}`).appendMarkdown('  \n');
  return text;
}

function portText(port: Port): string {
  return `${port.publicPort}→${port.privatePort}${port.protocol === 'tcp' ? '' : `/${port.protocol}`}`;
}
