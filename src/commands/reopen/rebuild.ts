import type { Command } from '../command.ts';
import type { ReopenServices } from './reopenInContainer.ts';

/** Makes the container anew from what its definition says now, and opens it; what was changed in it by hand is gone. */
export function rebuildAndReopen({ here, opener }: ReopenServices): Command {
  return {
    id: 'berth.devContainer.rebuild',
    async run(argument) {
      const devContainer = await here.devContainer(argument, 'rebuild');
      if (devContainer) await opener.open(devContainer, { rebuild: 'cached' });
    },
  };
}
