import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import type { Command } from '../command.ts';
import { hostTarget } from './hostTarget.ts';

export function connectHost(hosts: RemoteHosts): Command {
  return {
    id: 'berth.host.connect',
    async run(argument) {
      const host = await hostTarget(hosts, argument, 'connect');
      if (host) await hosts.connect(host.name);
    },
  };
}
