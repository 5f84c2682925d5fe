import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { systemCode } from '../../base/errors.ts';
import { PortDriver } from './portDriver.ts';

const HOST = '127.0.0.1';
/** A number that the system chose for the engine's network may be taken in the host's. */
const CHOICES = 10;

/** A port of the host's loopback, as long as it is held. */
export interface LoopbackPort {
  readonly port: number;
  /** Lets the number go; connections that were accepted are the server's to end. */
  release(): Promise<void>;
}

/**
 * The host's 127.0.0.1, for servers of the engine. As root that is the engine's own. Without root the engine's network is the keeper's: there a
 * server listens under the same number in both, and the keeper's port driver leads from the host's to the engine's.
 */
export class HostLoopback {
  readonly #driver: PortDriver | undefined;

  /** `keeperFolder`: of an engine without root. */
  constructor(keeperFolder?: string) {
    this.#driver = keeperFolder === undefined ? undefined : new PortDriver(keeperFolder);
  }

  /** Listens on a port; 0: any. Throws an error with the system's code: EADDRINUSE, EACCES. */
  async listen(server: Server, port: number): Promise<LoopbackPort> {
    for (let left = port === 0 ? CHOICES : 1; ; left -= 1) {
      try {
        return await this.#listenOnce(server, port);
      } catch (error) {
        if (left <= 1 || systemCode(error) !== 'EADDRINUSE') throw error;
      }
    }
  }

  async #listenOnce(server: Server, wanted: number): Promise<LoopbackPort> {
    server.listen({ host: HOST, port: wanted, exclusive: true });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await this.#driver?.add({ proto: 'tcp4', parentIP: HOST, parentPort: port, childIP: HOST, childPort: port });
    } catch (error) {
      await closed(server);
      throw error;
    }
    // Once: afterwards the number may be somebody else's.
    let released: Promise<void> | undefined;
    return { port, release: () => (released ??= this.#release(server, port)) };
  }

  async #release(server: Server, port: number): Promise<void> {
    server.close();
    // A keeper that has left has let go of everything.
    await this.#driver?.removeWhere(({ proto, parentIP, parentPort }) => proto === 'tcp4' && parentIP === HOST && parentPort === port).catch(() => undefined);
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
