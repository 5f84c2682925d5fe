import type { Host } from '../../hosts/host.ts';
import type { Command } from '../command.ts';

/** Connects anew and lists anew: for a socket that may not be watched, and for doubt. */
export function refresh(host: Host): Command {
  return {
    id: 'berth.refresh',
    run() {
      host.reconnect();
      return Promise.resolve();
    },
  };
}
