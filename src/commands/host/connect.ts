import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import type { Command } from '../command.ts';
import type { HostConnector } from './hostConnector.ts';
import { hostTarget } from './hostTarget.ts';

/** Connects; of a lost connection, tries again at once. */
export function connectHost({ hosts, connector }: { readonly hosts: RemoteHosts; readonly connector: HostConnector }): Command {
  return {
    id: 'berth.host.connect',
    async run(argument) {
      const host = await hostTarget(hosts, argument, 'connect');
      if (host) await connector.connect(host.name);
    },
  };
}
