import type { Command } from '../command.ts';
import type { ReopenServices } from './reopenInContainer.ts';

/** As a rebuild, with every step of the image built again. */
export function rebuildWithoutCache({ here, opener }: ReopenServices): Command {
  return {
    id: 'berth.devContainer.rebuildWithoutCache',
    async run(argument) {
      const devContainer = await here.devContainer(argument, 'rebuildWithoutCache');
      if (devContainer) await opener.open(devContainer, { rebuild: 'clean' });
    },
  };
}
