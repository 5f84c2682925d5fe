import * as vscode from 'vscode';
import type { Reporter } from '../../base/report.ts';
import { WorkspaceNotTrusted } from '../../base/trust.ts';
import { upDevContainer } from '../../client/devContainerClient.ts';
import type { DevContainerStore } from '../../model/devContainerStore.ts';
import type { DevContainer } from '../../model/devContainers.ts';
import { localEnv } from '../../hosts/engineEnvironment.ts';
import { upLogLine, upStep } from '../../words/upWords.ts';
import type { Command } from '../command.ts';
import type { EngineStarter } from '../engineStarter.ts';
import type { Targets } from '../targets.ts';

export interface UpServices {
  readonly starter: EngineStarter;
  readonly targets: Targets;
  readonly devContainers: DevContainerStore;
  readonly reporter: Reporter;
}

/** `berth.devContainer.up` and the command that cancels it: each dev container has at most one `up` at a time. */
export function upAndCancel(services: UpServices): Command[] {
  const running = new Map<string, AbortController>();
  return [
    {
      id: 'berth.devContainer.up',
      async run(argument) {
        // The menus hide it, but keybindings and other extensions come here too.
        if (!vscode.workspace.isTrusted) throw new WorkspaceNotTrusted();
        const devContainer = await services.targets.devContainer(argument, 'up');
        if (!devContainer || running.has(devContainer.key)) return;
        const abort = new AbortController();
        running.set(devContainer.key, abort);
        try {
          await up(services, devContainer, abort.signal);
        } finally {
          running.delete(devContainer.key);
        }
      },
    },
    {
      id: 'berth.devContainer.cancelUp',
      async run(argument) {
        const devContainer = await services.targets.devContainer(argument, 'cancelUp');
        if (devContainer) running.get(devContainer.key)?.abort();
      },
    },
  ];
}

async function up({ starter, devContainers, reporter }: UpServices, { key, folder, file, name }: DevContainer, signal: AbortSignal): Promise<void> {
  const tell = (step: string): void => devContainers.setUp(key, { config: { folder, file }, step });
  reporter.info(`up ${folder} (${file})`);
  tell(vscode.l10n.t('starting the engine'));
  try {
    const { api } = await starter.ensure();
    tell(vscode.l10n.t('starting'));
    for await (const news of upDevContainer(api, { folder, file }, localEnv(), signal)) {
      const step = upStep(news);
      if (step !== undefined) tell(step);
      const line = upLogLine(news);
      if (line !== undefined) reporter.info(`${name}: ${line}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    reporter.info(`${name}: cancelled`);
  } finally {
    devContainers.setUp(key, undefined);
  }
}
