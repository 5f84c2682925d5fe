import * as vscode from 'vscode';
import type { Command } from '../command.ts';
import type { ContainerServices } from '../services.ts';

export function copyContainerId(services: Pick<ContainerServices, 'targets'>): Command {
  return {
    id: 'berth.container.copyId',
    async run(argument) {
      const target = await services.targets.container(argument, 'copyId');
      if (!target) return;
      await vscode.env.clipboard.writeText(target.container.id);
      vscode.window.setStatusBarMessage(vscode.l10n.t('The id of {0} was copied.', target.container.name), 3000);
    },
  };
}
