import * as vscode from 'vscode';
import { currentPlace } from '../../hosts/editorWindows.ts';
import type { EditorWindows } from '../../hosts/editorWindows.ts';
import type { Origins } from '../../hosts/origins.ts';
import type { Command } from '../command.ts';

export interface WayBack {
  readonly windows: EditorWindows;
  readonly origins: Origins;
}

/** The way back: the folder that this window's dev container was made for, where it lies. */
export function reopenLocally({ windows, origins }: WayBack): Command {
  return {
    id: 'berth.reopenLocally',
    async run() {
      const place = currentPlace();
      if (!place) {
        void vscode.window.showInformationMessage(vscode.l10n.t('This window is not inside a dev container.'));
        return;
      }
      const folder = origins.find(place.alias);
      const uri = folder === undefined ? await pickFolder() : vscode.Uri.parse(folder, true);
      if (uri) await windows.openLocally(uri);
    },
  };
}

/** For a window that somebody opened by other means, so that nobody knows where it came from. */
async function pickFolder(): Promise<vscode.Uri | undefined> {
  const [picked] = (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, canSelectMany: false, defaultUri: vscode.Uri.file('/') })) ?? [];
  return picked;
}
