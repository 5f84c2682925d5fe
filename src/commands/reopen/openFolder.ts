import * as vscode from 'vscode';
import type { Ups } from '../devContainer/ups.ts';
import type { Command } from '../command.ts';
import type { ContainerOpener } from './containerOpener.ts';
import { openFolderInContainer } from './folderOpener.ts';

/** `argument`: a folder's URI, from other extensions; else the user picks one. */
export function openFolderCommand({ opener, ups }: { readonly opener: ContainerOpener; readonly ups: Ups }): Command {
  return {
    id: 'berth.devContainer.openFolder',
    async run(argument) {
      ups.checkTrust();
      const folder = argument instanceof vscode.Uri ? argument : (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, canSelectMany: false, openLabel: vscode.l10n.t('Open in Container') }))?.[0];
      if (folder) await openFolderInContainer(opener, folder);
    },
  };
}
