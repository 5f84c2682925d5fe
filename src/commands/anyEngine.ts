import { local } from '../hosts/engines.ts';
import type { Engines } from '../hosts/engines.ts';
import type { Connection } from '../hosts/connect.ts';
import type { EngineStarter } from './engineStarter.ts';
import type { HostConnector } from './host/hostConnector.ts';
import { ConnectCancelled } from './host/hostConnector.ts';
import { ConnectError } from '../../engine/api/client.ts';

const connectMs = 20_000;

/** Gives commands the engine of this machine or of a remote host, started or connected to first if need be. */
export class AnyEngine {
  readonly #starter: EngineStarter;
  readonly #connector: HostConnector;
  readonly #engines: Engines;

  constructor(starter: EngineStarter, connector: HostConnector, engines: Engines) {
    this.#starter = starter;
    this.#connector = connector;
    this.#engines = engines;
  }

  /** Throws what stands in the way; ConnectCancelled: the user. */
  async ensure(host: string): Promise<Connection> {
    if (host === local) return this.#starter.ensure();
    const known = this.#engines.get(host)?.host.connection;
    if (known) return known;
    if (!(await this.#connector.connect(host))) throw new ConnectCancelled(host);
    const engine = this.#engines.get(host);
    if (!engine) throw new ConnectError(host, 'ENOENT');
    return engine.host.connected(connectMs);
  }
}
