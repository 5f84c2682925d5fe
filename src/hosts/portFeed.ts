import type { DevPort } from '../../engine/api/berth/port.ts';
import { ApiError } from '../../engine/api/client.ts';
import type { EngineEvent } from '../../engine/api/docker/event.ts';
import { Emitter } from '../base/emitter.ts';
import type { Disposable } from '../base/emitter.ts';
import { listPorts } from '../client/portClient.ts';
import { portKey } from '../model/portStore.ts';
import type { PortStore } from '../model/portStore.ts';
import type { Connection } from './connect.ts';
import type { Host, HostState } from './host.ts';
import { RowRefresher } from './rowRefresher.ts';

/** A port that somebody listens on now, and the host it is on. */
export interface OpenedPort {
  readonly port: DevPort;
  readonly host: string;
}

/** Keeps the store of ports as the engine has them: lists once it is connected, then looks again at the containers that events name. */
export class PortFeed implements Disposable {
  readonly #host: Host;
  readonly #store: PortStore;
  readonly #onProblem: (error: unknown) => void;
  readonly #rows = new RowRefresher((ids) => this.#look(ids));
  readonly #opened = new Emitter<DevPort>();
  /** Ports to tell of once they have been looked at: container and `portKey`. */
  readonly #due = new Map<string, Set<string>>();
  /** Ports that are open on a remote host and not reached from here yet. */
  #waiting: DevPort[] = [];
  readonly #subscriptions: Disposable[];

  /** A program has begun to listen, while we were connected. */
  readonly onOpened = (listener: (port: DevPort) => void): Disposable => this.#opened.on(listener);

  constructor(host: Host, store: PortStore, onProblem: (error: unknown) => void) {
    this.#host = host;
    this.#store = store;
    this.#onProblem = onProblem;
    this.#subscriptions = [host.onState((state) => this.#connectedOrNot(state)), host.onEvent((event) => this.#hear(event))];
  }

  /** Ports of a remote host may be reached from here now. */
  recheck(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const port of waiting) this.#tell(port);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #connectedOrNot(state: HostState): void {
    if (state.kind !== 'connected') this.#store.replaceAll([]);
    else if (state.connection.kind === 'berth') void this.#list(state.connection.api).catch(this.#onProblem);
  }

  /** An older engine of Berth's has no ports. */
  async #list(api: Parameters<typeof listPorts>[0]): Promise<void> {
    const ports = await listPorts(api).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    });
    this.#store.replaceAll(ports);
  }

  #hear({ Type, Action, Actor }: EngineEvent): void {
    if (Type === 'container' && (Action === 'die' || Action === 'destroy')) this.#store.put(Actor.ID, []);
    const { container, port, host = '' } = Actor.Attributes;
    if (Type !== 'devcontainer' || container === undefined) return;
    // What `up` ends with: ports of `forwardPorts` are there before anything listens on them.
    if (Action === 'up') void this.#rows.add(container).catch(this.#onProblem);
    if (!Action.startsWith('port_')) return;
    if (Action === 'port_open') this.#due.set(container, (this.#due.get(container) ?? new Set()).add(portKey({ host, port: Number(port) })));
    void this.#rows.add(container).catch(this.#onProblem);
  }

  async #look(ids: readonly string[]): Promise<void> {
    const { connection } = this.#host;
    if (connection) await Promise.all(ids.map((id) => this.#lookAt(connection, id)));
  }

  async #lookAt({ api }: Connection, id: string): Promise<void> {
    const due = this.#due.get(id);
    this.#due.delete(id);
    const ports = await listPorts(api, id);
    this.#store.put(id, ports);
    for (const port of ports) if (due?.has(portKey(port))) this.#tell(port);
  }

  #tell(port: DevPort): void {
    const now = this.#store.get(port.containerId, portKey(port));
    if (!now?.listening) return;
    if (port.local && !now.local) this.#waiting.push(port);
    else this.#opened.fire(now);
  }
}
