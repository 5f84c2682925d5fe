import { stopForwarding } from '../../client/portClient.ts';
import type { Command } from '../command.ts';
import { connectionOf } from '../services.ts';
import type { ContainerServices } from '../services.ts';

export function stopForwardingPort(services: ContainerServices): Command {
  return {
    id: 'berth.port.stopForwarding',
    async run(argument) {
      const found = services.targets.port(argument);
      if (found) await stopForwarding(connectionOf(found.engine).api, found.port);
    },
  };
}
