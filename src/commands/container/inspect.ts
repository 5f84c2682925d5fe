import type { InspectDocuments } from '../../views/inspectDocuments.ts';
import type { Command } from '../command.ts';
import type { ContainerServices } from '../services.ts';

export function inspectContainer(services: Pick<ContainerServices, 'targets'>, documents: InspectDocuments): Command {
  return {
    id: 'berth.container.inspect',
    async run(argument) {
      const target = await services.targets.container(argument, 'inspect');
      if (target) await documents.show(target.engine.name, target.container.id, target.container.name);
    },
  };
}
