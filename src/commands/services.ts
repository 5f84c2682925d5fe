import { ConnectError } from '../../engine/api/client.ts';
import type { Connection } from '../hosts/connect.ts';
import type { Host } from '../hosts/host.ts';
import type { Targets } from './targets.ts';

/** What the commands on containers stand on. */
export interface ContainerServices {
  readonly host: Host;
  readonly targets: Targets;
  readonly socketPath: () => string;
}

/** The connection that a command on an existing container needs; throws when the engine has gone meanwhile. */
export function connectionOf(services: Pick<ContainerServices, 'host' | 'socketPath'>): Connection {
  const { connection } = services.host;
  if (!connection) throw new ConnectError(services.socketPath(), 'ENOENT');
  return connection;
}
