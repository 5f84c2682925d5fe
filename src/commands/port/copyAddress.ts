import * as vscode from 'vscode';
import { portAddress, portName } from '../../model/portStore.ts';
import type { Command } from '../command.ts';
import type { Targets } from '../targets.ts';

export function copyPortAddress(targets: Targets): Command {
  return {
    id: 'berth.port.copyAddress',
    async run(argument) {
      const port = targets.port(argument)?.port;
      const address = port && portAddress(port);
      if (!port || address === undefined) return;
      await vscode.env.clipboard.writeText(address);
      vscode.window.setStatusBarMessage(vscode.l10n.t('The address of port {0} was copied.', portName(port)), 3000);
    },
  };
}
