import * as vscode from 'vscode';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import type { Command } from '../command.ts';
import { hostTarget } from './hostTarget.ts';

/** Takes a host from the list; what runs on it goes on. */
export function removeHost(hosts: RemoteHosts): Command {
  return {
    id: 'berth.host.remove',
    async run(argument) {
      const host = await hostTarget(hosts, argument, 'remove');
      if (!host) return;
      const remove = vscode.l10n.t('Remove');
      const question = vscode.l10n.t('Remove {0} from the list of hosts? What runs there goes on.', host.name);
      if ((await vscode.window.showWarningMessage(question, { modal: true }, remove)) === remove) await hosts.remove(host.name);
    },
  };
}
