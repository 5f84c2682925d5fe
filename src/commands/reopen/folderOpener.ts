import * as vscode from 'vscode';
import { local } from '../../hosts/engines.ts';
import { definitionsIn } from '../../hosts/configFinder.ts';
import { devContainerKey } from '../../model/devContainers.ts';
import type { DevContainerConfig } from '../../model/devContainers.ts';
import type { ContainerOpener } from './containerOpener.ts';

/** Opens the dev container of a folder that this window does not have open: asks whether it is trusted, and which of its definitions is meant. */
export async function openFolderInContainer(opener: ContainerOpener, folder: vscode.Uri): Promise<void> {
  const configs = await definitionsIn(folder);
  if (configs.length === 0) {
    void vscode.window.showWarningMessage(vscode.l10n.t('There is no devcontainer.json in {0}.', folder.fsPath));
    return;
  }
  const config = configs.length === 1 ? configs[0] : await pick(configs);
  if (!config || !(await isTrusted(folder))) return;
  const newWindow = (vscode.workspace.workspaceFolders ?? []).length > 0;
  await opener.open({ ...config, host: local, key: devContainerKey(config.folder, config.file) }, { newWindow });
}

async function pick(configs: readonly DevContainerConfig[]): Promise<DevContainerConfig | undefined> {
  const rows = configs.map((config) => ({ label: config.name, description: config.file, config }));
  return (await vscode.window.showQuickPick(rows, { placeHolder: vscode.l10n.t('Which dev container?'), matchOnDescription: true }))?.config;
}

/** The editor asks about folders when it opens them; here their commands would run before that. */
async function isTrusted(folder: vscode.Uri): Promise<boolean> {
  const trust = vscode.l10n.t('Trust and Continue');
  const question = vscode.l10n.t('Bringing up the dev container runs commands that {0} contains. Do you trust the authors of the files in this folder?', folder.fsPath);
  return (await vscode.window.showWarningMessage(question, { modal: true }, trust)) === trust;
}
