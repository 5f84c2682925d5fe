import * as vscode from 'vscode';
import { LogPty } from '../../terminals/logPty.ts';
import type { LogSubject } from '../../terminals/logPty.ts';
import type { TerminalPerSubject } from '../../terminals/terminalPerSubject.ts';
import type { Command } from '../command.ts';
import type { ContainerServices } from '../services.ts';
import type { Target } from '../targets.ts';

export interface LogServices extends ContainerServices {
  readonly terminals: TerminalPerSubject;
}

/** Follows the log of a container in a terminal of its own; that of a dev container also when it is made anew. */
export function showContainerLogs(services: LogServices): Command {
  return {
    id: 'berth.container.logs',
    async run(argument) {
      const target = await services.targets.container(argument, 'logs');
      if (!target) return;
      const key = `log ${target.engine.name} ${target.devContainer?.key ?? target.container.id}`;
      if (services.terminals.reveal(key)) return;
      const subject = subjectOf(target);
      const name = vscode.l10n.t('Logs: {0}', subject.name);
      services.terminals.create(key, { name, pty: new LogPty(target.engine.host, subject), iconPath: new vscode.ThemeIcon('output') });
    },
  };
}

function subjectOf({ engine, container, devContainer }: Target): LogSubject {
  if (devContainer) return { name: devContainer.name, current: () => engine.devContainers.get(devContainer.key)?.container };
  return { name: container.name, current: () => engine.host.containers.get(container.id) };
}
