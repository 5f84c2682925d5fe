import * as vscode from 'vscode';
import type { Container } from '../../model/containerState.ts';
import type { Command } from '../command.ts';
import { inView } from '../command.ts';
import { connectionOf } from '../services.ts';
import type { ContainerServices } from '../services.ts';

/** Removes a container after asking; a running one is killed by it, and the question says so. */
export function removeContainer(services: ContainerServices): Command {
  return {
    id: 'berth.container.remove',
    async run(argument) {
      const target = await services.targets.container(argument, 'remove');
      if (!target || !(await confirmed(target.container))) return;
      const view = target.devContainer ? 'berth.devContainers' : 'berth.containers';
      await inView(view, () => connectionOf(target.engine).client.removeContainer(target.container.id, isAlive(target.container)));
    },
  };
}

function isAlive(container: Container): boolean {
  return container.state === 'running' || container.state === 'paused' || container.state === 'restarting';
}

async function confirmed(container: Container): Promise<boolean> {
  const remove = vscode.l10n.t('Remove');
  const question = isAlive(container)
    ? vscode.l10n.t('Stop {0} and remove it with everything written inside it?', container.name)
    : vscode.l10n.t('Remove {0} with everything written inside it?', container.name);
  return (await vscode.window.showWarningMessage(question, { modal: true }, remove)) === remove;
}
