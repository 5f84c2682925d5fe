import * as vscode from 'vscode';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import { isHostUrl } from '../../model/remoteHosts.ts';
import type { Command } from '../command.ts';

/** Adds a host and connects to it, in a terminal, where its questions can be answered. */
export function addHost(hosts: RemoteHosts): Command {
  return {
    id: 'berth.host.add',
    async run() {
      const example = 'ssh://me@build.example.com';
      const prompt = vscode.l10n.t('The host, as SSH knows it');
      const url = await vscode.window.showInputBox({ prompt, placeHolder: example, validateInput: (text) => (isHostUrl(text) ? undefined : vscode.l10n.t('Write an address such as {0}.', example)) });
      if (url !== undefined) await hosts.add(url.includes('://') ? url.trim() : `ssh://${url.trim()}`);
    },
  };
}
