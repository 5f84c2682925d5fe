import { devContainerExecSpec } from '../../client/devContainerClient.ts';
import { localEnv } from '../../hosts/engineEnvironment.ts';
import type { AnyEngine } from '../anyEngine.ts';
import type { ContainerServices } from '../services.ts';
import type { Ups } from '../devContainer/ups.ts';
import type { Command } from '../command.ts';
import type { ReopenServices } from './reopenInContainer.ts';

/** Opens a dev container that runs, of whatever folder, in a window of its own; runs nothing of its lifecycle. */
export function attachToContainer(services: Pick<ReopenServices, 'opener'> & ContainerServices & { readonly ups: Ups; readonly anyEngine: AnyEngine }): Command {
  return {
    id: 'berth.devContainer.attach',
    async run(argument) {
      services.ups.checkTrust();
      const devContainer = await services.targets.devContainer(argument, 'attach');
      if (!devContainer) return;
      const { containerId, cwd } = await devContainerExecSpec((await services.anyEngine.ensure(devContainer.host)).api, devContainer, localEnv());
      await services.opener.attach(devContainer, { containerId, remoteWorkspaceFolder: cwd }, true);
    },
  };
}
