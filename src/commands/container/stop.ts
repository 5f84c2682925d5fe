import type { Command } from '../command.ts';
import { inView } from '../command.ts';
import { connectionOf } from '../services.ts';
import type { ContainerServices } from '../services.ts';

export function stopContainer(services: ContainerServices): Command {
  return {
    id: 'berth.container.stop',
    async run(argument) {
      const target = await services.targets.container(argument, 'stop');
      if (target) await inView(target.devContainer ? 'berth.devContainers' : 'berth.containers', () => connectionOf(target.engine).client.stopContainer(target.container.id));
    },
  };
}
