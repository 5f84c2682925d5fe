import type { Command } from '../command.ts';
import { inView } from '../command.ts';
import { connectionOf } from '../services.ts';
import type { ContainerServices } from '../services.ts';

export function restartContainer(services: ContainerServices): Command {
  return {
    id: 'berth.container.restart',
    async run(argument) {
      const target = await services.targets.container(argument, 'restart');
      if (target) await inView(target.devContainer ? 'berth.devContainers' : 'berth.containers', () => connectionOf(target.engine).client.restartContainer(target.container.id));
    },
  };
}
