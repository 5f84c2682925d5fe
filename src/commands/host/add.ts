import * as vscode from 'vscode';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import { isHostUrl } from '../../model/remoteHosts.ts';
import type { Command } from '../command.ts';
import type { HostConnector } from './hostConnector.ts';

/** Adds a host and connects to it; one that cannot be reached stays in the list, with what stands in the way. */
export function addHost({ hosts, connector }: { readonly hosts: RemoteHosts; readonly connector: HostConnector }): Command {
  return {
    id: 'berth.host.add',
    async run() {
      const example = 'ssh://me@build.example.com';
      const prompt = vscode.l10n.t('The host, as SSH knows it');
      const url = await vscode.window.showInputBox({ prompt, placeHolder: example, ignoreFocusOut: true, validateInput: (text) => (isHostUrl(text) ? undefined : vscode.l10n.t('Write an address such as {0}.', example)) });
      if (url === undefined) return;
      const name = await hosts.add(url.includes('://') ? url.trim() : `ssh://${url.trim()}`);
      await connector.connect(name);
    },
  };
}
