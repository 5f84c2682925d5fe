import { ConnectError } from '../../engine/api/client.ts';
import type { EngineEvent } from '../../engine/api/docker/event.ts';
import { Emitter } from '../base/emitter.ts';
import { FileAppearance } from '../base/fileAppearance.ts';
import { ContainerStore } from '../model/containerStore.ts';
import { backOff } from './backOff.ts';
import { connect } from './connect.ts';
import type { Connection } from './connect.ts';
import { feedContainers } from './containerFeed.ts';

export type HostState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly connection: Connection }
  /** Nothing serves the socket: the engine leaves when idle and starts on demand. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'denied'; readonly error: ConnectError }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface HostOptions {
  readonly socketPath: () => string;
  readonly onProblem: (error: unknown) => void;
  /** Whether it may connect now: asking would start an engine that left. Default: always. `nudge` tells that it changed. */
  readonly mayConnect?: () => boolean;
}

/**
 * One engine and what is known of it. Connects as long as it is open: when the engine stops, waits for its socket to
 * appear again (with a few attempts in between when something does answer, but wrongly). Polls nothing.
 */
export class Host {
  readonly containers = new ContainerStore();
  readonly #options: HostOptions;
  readonly #states = new Emitter<HostState>();
  readonly #events = new Emitter<EngineEvent>();
  #state: HostState = { kind: 'connecting' };
  #closed = false;
  #round = new AbortController();
  #wake: () => void = () => undefined;
  #failures = 0;

  readonly onState = (listener: (state: HostState) => void) => this.#states.on(listener);
  readonly onEvent = (listener: (event: EngineEvent) => void) => this.#events.on(listener);

  constructor(options: HostOptions) {
    this.#options = options;
  }

  get state(): HostState {
    return this.#state;
  }

  get socketPath(): string {
    return this.#options.socketPath();
  }

  get connection(): Connection | undefined {
    return this.#state.kind === 'connected' ? this.#state.connection : undefined;
  }

  /** Begins, once. */
  open(): void {
    void this.#run();
  }

  /** Drops what is known and connects anew. */
  reconnect(): void {
    this.#failures = 0;
    this.#set({ kind: 'connecting' });
    this.#round.abort();
    this.#wake();
  }

  /** What `mayConnect` says has changed. */
  nudge(): void {
    if (this.#state.kind !== 'connected') this.#wake();
  }

  /** Waits until connected; throws what stands in the way, at the latest after `timeoutMs`. */
  async connected(timeoutMs: number): Promise<Connection> {
    if (this.connection) return this.connection;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        listener.dispose();
      };
      const listener = this.onState((state) => {
        if (state.kind === 'connected') resolve(state.connection);
        else if (state.kind === 'denied' || state.kind === 'failed') reject(toError(state.error));
        else return;
        done();
      });
      const timer = setTimeout(() => {
        done();
        reject(new ConnectError(this.#options.socketPath(), 'ETIMEDOUT'));
      }, timeoutMs);
    });
  }

  dispose(): void {
    this.#closed = true;
    this.#round.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#options.mayConnect?.() === false) {
        this.#set({ kind: 'stopped' });
        await this.#pause(undefined);
        continue;
      }
      this.#round = new AbortController();
      let heard = false;
      const appeared = new FileAppearance(this.#options.socketPath(), () => {
        heard = true;
        this.#wake();
      });
      try {
        const error = await this.#serve(this.#round.signal);
        const aborted = this.#round.signal.aborted;
        if (!aborted) this.#note(error);
        if (!aborted && !heard && !this.#closed) await this.#rest(error);
      } finally {
        appeared.dispose();
        this.#round.abort();
      }
    }
  }

  /** One connection, from its start to its end; returns why it ended (undefined: the engine said good-bye). */
  async #serve(signal: AbortSignal): Promise<unknown> {
    try {
      const connection = await connect(this.#options.socketPath(), signal);
      const onReady = (): void => {
        this.#failures = 0;
        this.#set({ kind: 'connected', connection });
      };
      await feedContainers(connection.client, this.containers, { onReady, onEvent: (event) => this.#events.fire(event), onProblem: this.#options.onProblem }, signal);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #note(error: unknown): void {
    const wasConnected = this.#state.kind === 'connected';
    if (!(error instanceof ConnectError)) {
      // A stream that broke is an engine that went away; what cannot be understood is a failure.
      if (error !== undefined && !wasConnected) this.#options.onProblem(error);
      this.#set(error === undefined || wasConnected ? { kind: 'stopped' } : { kind: 'failed', error });
    } else if (error.reason === 'EACCES' || error.reason === 'EPERM') this.#set({ kind: 'denied', error });
    else this.#set({ kind: 'stopped' });
  }

  async #rest(error: unknown): Promise<void> {
    this.#failures += 1;
    const gone = error instanceof ConnectError && error.reason === 'ENOENT';
    await this.#pause(gone ? undefined : backOff(this.#failures));
  }

  /** Until something wakes it, or so many milliseconds are over. */
  async #pause(pause: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = pause === undefined ? undefined : setTimeout(() => this.#wake(), pause);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        resolve();
      };
    });
  }

  #set(state: HostState): void {
    this.#state = state;
    this.#states.fire(state);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
