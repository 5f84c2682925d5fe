import { join } from 'node:path';
import * as vscode from 'vscode';
import { runProgram } from '../../base/process.ts';
import { isRepositoryUrl, repositoryName } from '../../model/repository.ts';
import type { Ups } from '../devContainer/ups.ts';
import type { Command } from '../command.ts';
import type { ContainerOpener } from './containerOpener.ts';
import { openFolderInContainer } from './folderOpener.ts';

const cloneMs = 30 * 60_000;

/** Clones a repository beside the user's other projects, and opens its dev container. */
export function cloneRepository({ opener, ups }: { readonly opener: ContainerOpener; readonly ups: Ups }): Command {
  return {
    id: 'berth.devContainer.clone',
    async run() {
      ups.checkTrust();
      const url = await askUrl();
      if (url === undefined) return;
      const [parent] = (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, canSelectMany: false, openLabel: vscode.l10n.t('Clone Here') })) ?? [];
      if (!parent) return;
      const folder = join(parent.fsPath, repositoryName(url));
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Cloning {0}', url) }, () => clone(url, folder));
      await openFolderInContainer(opener, vscode.Uri.file(folder));
    },
  };
}

async function askUrl(): Promise<string | undefined> {
  const prompt = vscode.l10n.t('The address of the repository');
  const text = await vscode.window.showInputBox({ prompt, placeHolder: 'https://example.com/team/project.git', validateInput: (value) => (isRepositoryUrl(value) ? undefined : vscode.l10n.t('Write an address such as {0}.', 'https://example.com/team/project.git')) });
  return text?.trim();
}

/** Questions of git have no terminal here: what it needs comes from the user's credential helper or agent. */
async function clone(url: string, folder: string): Promise<void> {
  const { status, stderr } = await runProgram('git', ['clone', '--', url, folder], { timeoutMs: cloneMs, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } });
  if (status !== 0) throw new Error(vscode.l10n.t('{0} could not be cloned: {1}', url, stderr.trim().split('\n').at(-1) ?? ''));
}
