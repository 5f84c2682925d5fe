import type { Command } from '../command.ts';
import type { ContainerOpener } from './containerOpener.ts';
import type { WindowTargets } from './windowTargets.ts';

export interface ReopenServices {
  readonly here: WindowTargets;
  readonly opener: ContainerOpener;
}

/** Brings this folder's dev container up and opens it in this window. */
export function reopenInContainer({ here, opener }: ReopenServices): Command {
  return {
    id: 'berth.devContainer.reopen',
    async run(argument) {
      const devContainer = await here.devContainer(argument, 'reopen');
      if (devContainer) await opener.open(devContainer);
    },
  };
}
