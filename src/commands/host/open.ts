import * as vscode from 'vscode';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import type { Ups } from '../devContainer/ups.ts';
import type { Command } from '../command.ts';
import type { ContainerOpener } from '../reopen/containerOpener.ts';
import { hostTarget } from './hostTarget.ts';

export interface OpenOnHostServices {
  readonly hosts: RemoteHosts;
  readonly opener: ContainerOpener;
  readonly ups: Ups;
}

/** Brings the dev container of a folder on a remote host up, there, and opens it in a window of its own. */
export function openOnHost({ hosts, opener, ups }: OpenOnHostServices): Command {
  return {
    id: 'berth.host.open',
    async run(argument) {
      ups.checkTrust();
      const host = await hostTarget(hosts, argument, 'open');
      if (!host) return;
      const prompt = vscode.l10n.t('The folder of the project on {0}. Bringing its dev container up runs commands that it contains.', host.name);
      const folder = await vscode.window.showInputBox({ prompt, placeHolder: '/home/me/project', validateInput: (text) => (text.trim().startsWith('/') ? undefined : vscode.l10n.t('Write an absolute path.')) });
      if (folder === undefined) return;
      const title = vscode.l10n.t('Dev container of {0} on {1} ([show log](command:berth.showLog))', folder.trim(), host.name);
      const up = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () => hosts.up(host.name, folder.trim()));
      await opener.openOnHost(up.containerId, host.name, up.folder);
    },
  };
}
