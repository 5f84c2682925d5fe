import type { Command } from '../command.ts';
import type { Targets } from '../targets.ts';
import type { ContainerOpener } from './containerOpener.ts';

export interface ReopenServices {
  readonly targets: Targets;
  readonly opener: ContainerOpener;
}

/** Brings this folder's dev container up and opens it in this window. */
export function reopenInContainer({ targets, opener }: ReopenServices): Command {
  return {
    id: 'berth.devContainer.reopen',
    async run(argument) {
      const devContainer = await targets.devContainerHere(argument, 'reopen');
      if (devContainer) await opener.open(devContainer);
    },
  };
}
