import type { Engines } from '../../hosts/engines.ts';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import type { Command } from '../command.ts';

/** Connects anew and lists anew: for a socket that may not be watched, and for doubt. */
export function refresh({ engines, hosts }: { readonly engines: Engines; readonly hosts: RemoteHosts }): Command {
  return {
    id: 'berth.refresh',
    async run() {
      for (const { host, isLost } of engines.all()) if (!isLost()) host.reconnect();
      await hosts.refresh();
    },
  };
}
