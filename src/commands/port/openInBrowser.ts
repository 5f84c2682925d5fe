import type { Command } from '../command.ts';
import type { Targets } from '../targets.ts';
import { openInBrowser } from '../../views/openPort.ts';

export function openPortInBrowser(targets: Targets): Command {
  return {
    id: 'berth.port.openInBrowser',
    async run(argument) {
      const port = targets.port(argument)?.port;
      if (port) await openInBrowser(port);
    },
  };
}
