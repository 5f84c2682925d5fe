import { ConnectError } from '../../engine/api/client.ts';
import type { Connection } from '../hosts/connect.ts';
import type { Engine } from '../hosts/engines.ts';
import type { Targets } from './targets.ts';

/** What the commands on containers stand on. */
export interface ContainerServices {
  readonly targets: Targets;
}

/** The connection that a command on an existing container needs; throws when the engine has gone meanwhile. */
export function connectionOf({ host }: Pick<Engine, 'host'>): Connection {
  if (!host.connection) throw new ConnectError(host.socketPath, 'ENOENT');
  return host.connection;
}
