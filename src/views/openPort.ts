import * as vscode from 'vscode';
import type { DevPort } from '../../engine/api/berth/port.ts';
import { portUrl } from '../model/portStore.ts';

/** Opens a port in the user's browser; the editor carries the address there when the engine is on another machine. */
export async function openInBrowser(port: DevPort): Promise<void> {
  const url = portUrl(port);
  if (url !== undefined) await vscode.env.openExternal(vscode.Uri.parse(url));
}

/** Opens a port in the editor's own simple browser. */
export async function openPreview(port: DevPort): Promise<void> {
  const url = portUrl(port);
  if (url !== undefined) await vscode.commands.executeCommand('simpleBrowser.show', (await vscode.env.asExternalUri(vscode.Uri.parse(url))).toString());
}
