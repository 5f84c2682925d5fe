import * as vscode from 'vscode';
import { webEditorUrl } from '../../engine/api/berth/webEditor.ts';
import type { WebAddress } from '../../engine/api/berth/webEditor.ts';

/** Opens the editor that a dev container serves in the user's browser, from wherever we run. */
export async function openAddress(address: WebAddress): Promise<void> {
  // An editor in a browser would lead a loopback address through its own server, which need not know how: it is opened as it is.
  if (vscode.env.uiKind === vscode.UIKind.Web) await vscode.commands.executeCommand('vscode.open', vscode.Uri.parse(address.once, true));
  // We run on another machine than the browser: the editor forwards a port for it, that of the address proper.
  else if (vscode.env.remoteName !== undefined) await vscode.env.openExternal(vscode.Uri.parse(webEditorUrl(address), true));
  else await vscode.env.openExternal(vscode.Uri.parse(address.once, true));
}
