import type { Command } from '../command.ts';
import { inView } from '../command.ts';
import { connectionOf } from '../services.ts';
import type { ContainerServices } from '../services.ts';

export function startContainer(services: ContainerServices): Command {
  return {
    id: 'berth.container.start',
    async run(argument) {
      const target = await services.targets.container(argument, 'start');
      if (target) await inView('berth.containers', () => connectionOf(target.engine).client.startContainer(target.container.id));
    },
  };
}
