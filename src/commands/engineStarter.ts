import type { EngineLauncher } from '../hosts/engineLauncher.ts';
import type { Connection } from '../hosts/connect.ts';
import type { Host } from '../hosts/host.ts';
import { ForeignSocket, isForeignSocket } from '../hosts/foreignSocket.ts';

const connectMs = 20_000;

/** Gives commands a connected engine, and starts one first if none runs. Several that ask at once share one start. */
export class EngineStarter {
  readonly #host: Host;
  readonly #launcher: EngineLauncher;
  readonly #socketPath: () => string;
  #starting: Promise<Connection> | undefined;

  constructor(host: Host, launcher: EngineLauncher, socketPath: () => string) {
    this.#host = host;
    this.#launcher = launcher;
    this.#socketPath = socketPath;
  }

  /** Throws what stands in the way: EngineStartError, NodeUnusable, ConnectError, ForeignSocket. */
  async ensure(): Promise<Connection> {
    if (this.#host.connection) return this.#host.connection;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #start(): Promise<Connection> {
    const { state } = this.#host;
    // Something is there already: an engine of ours in its place would take its socket away.
    if (state.kind === 'denied' || state.kind === 'failed') throw state.error;
    if (isForeignSocket(this.#socketPath())) throw new ForeignSocket(this.#socketPath());
    await this.#launcher.start();
    this.#host.reconnect();
    return this.#host.connected(connectMs);
  }
}
