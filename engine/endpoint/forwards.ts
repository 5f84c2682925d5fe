import type { Connection, ServerChannel, SocketBindInfo, TcpipBindInfo } from 'ssh2';
import type { Log } from '../base/log.ts';
import { openAuthAgentChannel } from './authAgentChannel.ts';
import { join } from './join.ts';
import type { Incoming, Relay, RemoteListener } from './relay.ts';

type Accept = ((port?: number) => void) | undefined;
type Reject = (() => void) | undefined;

/** Connections through an SSH connection, in both directions: into the container's network and sockets, and out of them to the client. */
export class Forwards {
  readonly #client: Connection;
  readonly #relay: () => Promise<Relay>;
  readonly #log: Log;
  readonly #listeners = new Map<string, RemoteListener>();
  #agent: Promise<RemoteListener> | undefined;
  #closed = false;

  /** `relay` is asked for one only when something is forwarded. */
  constructor(client: Connection, relay: () => Promise<Relay>, log: Log) {
    this.#client = client;
    this.#relay = relay;
    this.#log = log;
    client.on('tcpip', (accept, reject, info) => void this.#outward(accept, reject, async () => (await relay()).connectTcp(info.destIP, info.destPort)));
    client.on('openssh.streamlocal', (accept, reject, info) => void this.#outward(accept, reject, async () => (await relay()).connectUnix(info.socketPath)));
    client.on('request', (accept: Accept, reject: Reject, name: string, info: TcpipBindInfo | SocketBindInfo) => void this.#onRequest(name, info, accept, reject));
  }

  /** The path, in the container, of a socket that leads to the client's ssh-agent. */
  async agentSocket(): Promise<string> {
    this.#agent ??= this.#relay().then((relay) => relay.listenPrivate('agent', (incoming) => void this.#inward(incoming, () => openAuthAgentChannel(this.#client))));
    return (await this.#agent).path;
  }

  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    void this.#agent?.then((listener) => listener.close()).catch(() => undefined);
  }

  async #outward(accept: () => ServerChannel, reject: () => void, connect: () => ReturnType<Relay['connectTcp']>): Promise<void> {
    try {
      const socket = await connect();
      await join(accept(), socket);
    } catch (error) {
      this.#log.debug('a forwarded connection was refused', { error });
      reject();
    }
  }

  async #inward({ socket }: Incoming, open: () => Promise<ServerChannel>): Promise<void> {
    try {
      await join(await open(), socket);
    } catch (error) {
      this.#log.debug('the client refused a forwarded connection', { error });
      socket.destroy();
    }
  }

  async #onRequest(name: string, info: TcpipBindInfo | SocketBindInfo, accept: Accept, reject: Reject): Promise<void> {
    try {
      if (name.startsWith('cancel-')) this.#cancel(keyOf(info));
      else if ('socketPath' in info) await this.#listenUnix(info);
      else return accept?.(await this.#listenTcp(info));
      accept?.();
    } catch (error) {
      this.#log.debug('the container has no place for a listener', { name, error });
      reject?.();
    }
  }

  async #listenTcp({ bindAddr, bindPort }: TcpipBindInfo): Promise<number> {
    let port = bindPort; // a connection may come before we know which was chosen
    const listener = await (await this.#relay()).listenTcp(listenAddress(bindAddr), bindPort, (incoming) => void this.#inward(incoming, () => this.#openTcp(bindAddr, port, incoming)));
    port = listener.port;
    this.#keep(keyOf({ bindAddr, bindPort: port }), listener);
    return port;
  }

  async #listenUnix({ socketPath }: SocketBindInfo): Promise<void> {
    this.#cancel(keyOf({ socketPath }));
    const listener = await (await this.#relay()).listenUnix(socketPath, (incoming) => void this.#inward(incoming, () => this.#openUnix(socketPath)));
    this.#keep(keyOf({ socketPath }), listener);
  }

  /** The client may have left while its listener was made; the relay that has it may serve others for long. */
  #keep(key: string, listener: RemoteListener): void {
    if (this.#closed) return listener.close();
    this.#listeners.set(key, listener);
  }

  #cancel(key: string): void {
    this.#listeners.get(key)?.close();
    this.#listeners.delete(key);
  }

  #openTcp(address: string, port: number, from: Incoming): Promise<ServerChannel> {
    return new Promise((resolve, reject) => void this.#client.forwardOut(address, port, from.address, from.port, (error, channel) => (error ? reject(error) : resolve(channel))));
  }

  #openUnix(path: string): Promise<ServerChannel> {
    return new Promise((resolve, reject) => void this.#client.openssh_forwardOutStreamLocal(path, (error, channel) => (error ? reject(error) : resolve(channel))));
  }
}

function keyOf(info: TcpipBindInfo | SocketBindInfo): string {
  return 'socketPath' in info ? `unix ${info.socketPath}` : `tcp ${info.bindAddr} ${info.bindPort}`;
}

/** RFC 4254, 7.1: an empty address means all of them, `localhost` the loopback. */
function listenAddress(asked: string): string {
  if (asked === '' || asked === '*') return '0.0.0.0';
  return asked === 'localhost' ? '127.0.0.1' : asked;
}
