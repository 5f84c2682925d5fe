import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { Emitter } from '../base/emitter.ts';
import { startFailure } from '../host/process.ts';
import { relayAnswerSchema } from './agent/messages.ts';
import type { RelayAnswer, RelayRequest } from './agent/messages.ts';
import { startAgent } from './agentProcess.ts';
import type { AgentLauncher } from './agentProcess.ts';
import { agentFailed } from './errors.ts';
import type { Account, RunningContainer } from './ports.ts';

/** A connection that somebody in the container made to a listener. */
export interface Incoming {
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
}

/** A socket that listens in the container. */
export interface RemoteListener {
  /** Where: what was asked for, or was chosen. */
  readonly port: number;
  readonly path: string;
  close(): void;
}

type Done = Extract<RelayAnswer, { kind: 'done' }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

interface Pending {
  resolve(answer: { readonly done: Done; readonly socket: Socket | undefined }): void;
  reject(error: Error): void;
}

/** The engine's end of a relay agent: opens sockets in a container's network and file system, as one of its users. */
export class Relay {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<number, (incoming: Incoming) => void>();
  readonly ended = new Emitter<void>();
  #next = 0;
  #over = false;

  static async start(launcher: AgentLauncher, container: RunningContainer, account: Account): Promise<Relay> {
    return new Relay(await startAgent(launcher, container, account, { mode: 'relay', cwd: container.cwd, args: [] }, ['ignore', 'ignore', 'ignore', 'ipc']));
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message, handle) => this.#onMessage(relayAnswerSchema.parse(message), handle instanceof Socket ? handle : undefined));
    child.once('error', (error) => this.#end(startFailure('nsenter', error)));
    child.once('exit', (status, signal) => this.#end(agentFailed({ detail: `it ended (${signal ?? status})` })));
    child.on('disconnect', () => this.#end(agentFailed({ detail: 'it closed its connection' })));
  }

  get usable(): boolean {
    return !this.#over;
  }

  /** Throws an error with the system's code. */
  async connectTcp(host: string, port: number): Promise<Socket> {
    return socketOf(await this.#ask({ kind: 'connectTcp', host, port }));
  }

  async connectUnix(path: string): Promise<Socket> {
    return socketOf(await this.#ask({ kind: 'connectUnix', path }));
  }

  listenTcp(host: string, port: number, onConnection: (incoming: Incoming) => void): Promise<RemoteListener> {
    return this.#listen({ kind: 'listenTcp', host, port }, onConnection);
  }

  listenUnix(path: string, onConnection: (incoming: Incoming) => void): Promise<RemoteListener> {
    return this.#listen({ kind: 'listenUnix', path, replace: true }, onConnection);
  }

  /** In a folder of its own that only the user may enter: in memory where the container has such a place, so that no file of its changes. */
  listenPrivate(name: string, onConnection: (incoming: Incoming) => void): Promise<RemoteListener> {
    return this.#listen({ kind: 'listenPrivate', folders: ['/dev/shm', '/run', '/tmp'], name }, onConnection);
  }

  /** Ends the agent; it takes its listeners' sockets away. */
  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** For a container that has ended: nothing there is left to tidy. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #listen(request: WithoutId<RelayRequest>, onConnection: (incoming: Incoming) => void): Promise<RemoteListener> {
    const id = this.#next;
    this.#listeners.set(id, onConnection);
    try {
      const { done } = await this.#ask(request);
      return { port: done.port ?? 0, path: done.path ?? '', close: () => this.#forget(id) };
    } catch (error) {
      this.#listeners.delete(id);
      throw error;
    }
  }

  #forget(listener: number): void {
    if (this.#listeners.delete(listener) && !this.#over) void this.#ask({ kind: 'close', listener }).catch(() => undefined);
  }

  #ask(request: WithoutId<RelayRequest>): Promise<{ readonly done: Done; readonly socket: Socket | undefined }> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(agentFailed({ detail: 'it has ended' }));
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ ...request, id });
    });
  }

  #onMessage(answer: RelayAnswer, socket: Socket | undefined): void {
    socket?.on('error', () => undefined); // whoever it is handed to sees its end
    if (socket) socket.allowHalfOpen = true;
    if (answer.kind === 'connection') {
      const listener = this.#listeners.get(answer.listener);
      if (listener && socket) listener({ socket, address: answer.address, port: answer.port });
      else socket?.destroy();
      return;
    }
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.kind === 'done') pending?.resolve({ done: answer, socket });
    else pending?.reject(Object.assign(new Error(answer.code), { code: answer.code }));
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#listeners.clear();
    this.ended.fire();
  }
}

function socketOf({ socket }: { readonly socket: Socket | undefined }): Socket {
  if (!socket) throw agentFailed({ detail: 'no socket came with its answer' });
  return socket;
}
