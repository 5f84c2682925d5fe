import * as vscode from 'vscode';
import type { DevContainer } from '../model/devContainers.ts';
import { containerTooltip } from './containerItem.ts';
import { rowId } from './engineItem.ts';
import { lookOf } from './stateLook.ts';

/** The row of a dev container; with `children` it opens. */
export function devContainerItem(devContainer: DevContainer, children: boolean): vscode.TreeItem {
  const look = lookOf(devContainer.state);
  const item = new vscode.TreeItem(devContainer.name, children ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None);
  item.id = rowId(devContainer.host, devContainer.key);
  item.iconPath = look.icon;
  item.description = devContainer.step ?? look.word;
  item.contextValue = `devContainer:${devContainer.state}`;
  item.tooltip = tooltip(devContainer);
  item.accessibilityInformation = { label: vscode.l10n.t('{0}, {1}, folder {2}', devContainer.name, look.word, devContainer.folder) };
  return item;
}

function tooltip(devContainer: DevContainer): vscode.MarkdownString {
  const text = devContainer.container ? containerTooltip(devContainer.container) : new vscode.MarkdownString();
  text.appendText(vscode.l10n.t('Folder: {0}', devContainer.folder)).appendMarkdown('  \n');
  return text.appendText(vscode.l10n.t('Definition: {0}', devContainer.file));
}
