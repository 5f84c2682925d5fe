import * as vscode from 'vscode';
import { webEditorUrl } from '../../engine/api/berth/webEditor.ts';
import type { WebAddress } from '../../engine/api/berth/webEditor.ts';

/** Opens the editor that a dev container serves in the user's browser, from wherever we run. */
export async function openAddress(address: WebAddress): Promise<void> {
  // A desktop editor whose extensions run on another machine forwards the port that it is asked to open: that must be the address proper.
  if (vscode.env.remoteName !== undefined && vscode.env.uiKind === vscode.UIKind.Desktop) await vscode.env.openExternal(vscode.Uri.parse(webEditorUrl(address), true));
  else await vscode.env.openExternal(vscode.Uri.parse(address.once, true));
}
