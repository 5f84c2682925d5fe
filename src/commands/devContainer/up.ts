import type { Command } from '../command.ts';
import type { Targets } from '../targets.ts';
import type { Ups } from './ups.ts';

export interface UpServices {
  readonly ups: Ups;
  readonly targets: Targets;
}

/** `berth.devContainer.up` and the command that cancels it. */
export function upAndCancel({ ups, targets }: UpServices): Command[] {
  return [
    {
      id: 'berth.devContainer.up',
      async run(argument) {
        ups.checkTrust();
        const devContainer = await targets.devContainer(argument, 'up');
        if (devContainer) await ups.up(devContainer);
      },
    },
    {
      id: 'berth.devContainer.cancelUp',
      async run(argument) {
        const devContainer = await targets.devContainer(argument, 'cancelUp');
        if (devContainer) ups.cancel(devContainer);
      },
    },
  ];
}
