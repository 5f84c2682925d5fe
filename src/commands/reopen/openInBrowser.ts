import type { Command } from '../command.ts';
import type { Ups } from '../devContainer/ups.ts';
import type { ReopenServices } from './reopenInContainer.ts';

/** Opens the dev container's editor in the browser; brings it up first if it does not run. */
export function openInBrowser({ here, opener, ups }: ReopenServices & { readonly ups: Ups }): Command {
  return {
    id: 'berth.devContainer.openInBrowser',
    async run(argument) {
      ups.checkTrust();
      const devContainer = await here.devContainer(argument, 'openInBrowser');
      if (!devContainer) return;
      if (devContainer.state !== 'running' && (await opener.up(devContainer)) === undefined) return;
      await opener.openInBrowser(devContainer);
    },
  };
}
