import * as vscode from 'vscode';
import { placeOf, sshAuthority } from '../model/place.ts';
import type { Place } from '../model/place.ts';

export type RunCommand = (id: string, ...args: unknown[]) => Thenable<unknown>;

/** The dev container that this window is in, by way of SSH. */
export function currentPlace(): Place | undefined {
  const uri = vscode.workspace.workspaceFolders?.[0]?.uri;
  return uri?.scheme === 'vscode-remote' ? placeOf(uri.authority) : undefined;
}

/** Opens folders in windows of the editor. */
export class EditorWindows {
  readonly #run: RunCommand;

  constructor(run: RunCommand = (id, ...args) => vscode.commands.executeCommand(id, ...args)) {
    this.#run = run;
  }

  /** Opens a folder inside a container. A window that is there already is loaded anew: its server belonged to the container before. */
  async openInside(alias: string, folder: string, newWindow: boolean): Promise<void> {
    if (!newWindow && currentPlace()?.alias === alias) await this.#run('workbench.action.reloadWindow');
    else await this.#open(vscode.Uri.from({ scheme: 'vscode-remote', authority: sshAuthority(alias), path: folder }), newWindow);
  }

  async openLocally(folder: vscode.Uri): Promise<void> {
    await this.#open(folder, false);
  }

  async #open(uri: vscode.Uri, newWindow: boolean): Promise<void> {
    await this.#run('vscode.openFolder', uri, newWindow ? { forceNewWindow: true } : { forceReuseWindow: true });
  }
}

/** Tells Remote-SSH that the other side is Linux, so that it need not ask; editors without that setting have nothing to tell. */
export async function rememberPlatform(alias: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration('remote.SSH');
  const known = settings.inspect<Record<string, string>>('remotePlatform');
  const now = known?.globalValue ?? {};
  if (known?.defaultValue === undefined || now[alias] === 'linux') return;
  await settings.update('remotePlatform', { ...now, [alias]: 'linux' }, vscode.ConfigurationTarget.Global);
}
