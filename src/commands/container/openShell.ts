import { devContainerExecSpec } from '../../client/devContainerClient.ts';
import type { Connection } from '../../hosts/connect.ts';
import { localEnv } from '../../hosts/engineEnvironment.ts';
import type { Shells, ShellTarget } from '../../terminals/shells.ts';
import type { Command } from '../command.ts';
import { inView } from '../command.ts';
import { connectionOf } from '../services.ts';
import type { ContainerServices } from '../services.ts';
import type { Target } from '../targets.ts';

/** Opens the container's shell; that of a dev container as its remote user, in its workspace folder. */
export function openContainerShell(services: ContainerServices, shells: Shells): Command {
  return {
    id: 'berth.container.openShell',
    async run(argument) {
      const target = await services.targets.container(argument, 'openShell');
      if (!target) return;
      const connection = connectionOf(target.engine);
      const view = target.devContainer ? 'berth.devContainers' : 'berth.containers';
      const key = target.devContainer ? `dev ${target.container.id}` : target.container.id;
      await inView(view, () => shells.open(connection.client, key, () => shellTarget(connection, target)));
    },
  };
}

async function shellTarget({ api, kind }: Connection, { container, devContainer }: Target): Promise<ShellTarget> {
  const plain: ShellTarget = { name: devContainer?.name ?? container.name, containerId: container.id };
  if (!devContainer || kind !== 'berth') return plain;
  const { containerId, user, cwd, env, shell } = await devContainerExecSpec(api, devContainer, localEnv());
  return { ...plain, containerId, user, workingDir: cwd, env, shell };
}
