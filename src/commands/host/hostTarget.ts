import * as vscode from 'vscode';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import { hostActions } from '../../model/remoteHosts.ts';
import type { HostAction, RemoteHost } from '../../model/remoteHosts.ts';
import { isEngineNode } from '../../views/nodes.ts';
import { isHostNode } from '../../views/hostsView.ts';

/** The host that a command was asked of, or that the user picks among those that the action suits. */
export async function hostTarget(hosts: RemoteHosts, argument: unknown, action: HostAction): Promise<RemoteHost | undefined> {
  if (isHostNode(argument)) return hosts.get(argument.name);
  if (typeof argument === 'object' && argument !== null && isEngineNode(argument)) return hosts.get(argument.host);
  await hosts.refresh();
  const suited = hosts.all().filter((host) => hostActions[host.state].includes(action));
  if (suited.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no remote host for which this can be done. Add one first.'));
    return undefined;
  }
  const rows = suited.map((host) => ({ label: host.name, description: host.url, host }));
  return (await vscode.window.showQuickPick(rows, { placeHolder: vscode.l10n.t('Which host?'), matchOnDescription: true }))?.host;
}
