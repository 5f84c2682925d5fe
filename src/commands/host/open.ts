import * as vscode from 'vscode';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import { devContainerKey, lastSegment } from '../../model/devContainers.ts';
import { isRepositoryUrl } from '../../model/repository.ts';
import type { Ups } from '../devContainer/ups.ts';
import type { Command } from '../command.ts';
import type { ContainerOpener } from '../reopen/containerOpener.ts';
import { hostTarget } from './hostTarget.ts';
import type { SourceOnHost } from './sourceOnHost.ts';

export interface OpenOnHostServices {
  readonly hosts: RemoteHosts;
  readonly opener: ContainerOpener;
  readonly ups: Ups;
  readonly sources: SourceOnHost;
}

interface Way extends vscode.QuickPickItem {
  /** Where the source is, on the host and, when it is kept equal, here. Undefined: the user wants none after all. */
  readonly source: () => Promise<{ readonly folder: string; readonly localFolder?: string } | undefined>;
}

/** Brings a dev container up on a remote host and opens it in a window of its own: of a folder there, of a clone made there, or of a folder of this window. */
export function openOnHost({ hosts, opener, ups, sources }: OpenOnHostServices): Command {
  return {
    id: 'berth.host.open',
    async run(argument) {
      ups.checkTrust();
      const host = await hostTarget(hosts, argument, 'open');
      if (!host) return;
      const way = await vscode.window.showQuickPick(waysTo(host.name, sources), { placeHolder: vscode.l10n.t('What is to be opened on {0}? Bringing its dev container up runs commands that it contains.', host.name) });
      const source = await way?.source();
      if (!source) return;
      const target = { ...source, host: host.name, key: devContainerKey(source.folder, ''), name: lastSegment(source.folder), file: '' };
      await opener.open(target, { newWindow: true });
    },
  };
}

function waysTo(host: string, sources: SourceOnHost): Way[] {
  const here = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  return [
    ...here.map(({ name, uri }): Way => ({
      label: `$(sync) ${vscode.l10n.t('{0}, of this window', name)}`,
      detail: vscode.l10n.t('A copy on {0}, kept equal both ways', host),
      source: async () => sources.keepEqual(host, uri.fsPath),
    })),
    { label: `$(folder) ${vscode.l10n.t('A folder on {0}', host)}`, source: () => askFolder(host) },
    { label: `$(repo-clone) ${vscode.l10n.t('A repository, cloned on {0}', host)}`, source: () => askRepository(host, sources) },
  ];
}

async function askFolder(host: string): Promise<{ folder: string } | undefined> {
  const prompt = vscode.l10n.t('The folder of the project on {0}', host);
  const folder = await vscode.window.showInputBox({ prompt, placeHolder: '/home/me/project', ignoreFocusOut: true, validateInput: (text) => (text.trim().startsWith('/') ? undefined : vscode.l10n.t('Write an absolute path.')) });
  return folder === undefined ? undefined : { folder: folder.trim().replace(/(?<=.)\/+$/, '') };
}

async function askRepository(host: string, sources: SourceOnHost): Promise<{ folder: string } | undefined> {
  const example = 'https://example.com/team/project.git';
  const url = await vscode.window.showInputBox({ prompt: vscode.l10n.t('The address of the repository'), placeHolder: example, ignoreFocusOut: true, validateInput: (value) => (isRepositoryUrl(value) ? undefined : vscode.l10n.t('Write an address such as {0}.', example)) });
  return url === undefined ? undefined : sources.clone(host, url.trim());
}
