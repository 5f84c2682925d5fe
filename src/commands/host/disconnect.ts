import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import type { Command } from '../command.ts';
import { hostTarget } from './hostTarget.ts';

export function disconnectHost(hosts: RemoteHosts): Command {
  return {
    id: 'berth.host.disconnect',
    async run(argument) {
      const host = await hostTarget(hosts, argument, 'disconnect');
      if (host) await hosts.disconnect(host.name);
    },
  };
}
