import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** How long who asked may wait for answers; the kernel's own time for datagrams that were answered is the same. */
const IDLE_MS = 120_000;
const FLOWS = 1024;

interface Flow {
  readonly socket: Socket;
  idle: NodeJS.Timeout;
}

/** Passes datagrams on to a container, and its answers back to who asked: a socket for each of those, forgotten when it is idle, the oldest first when there are many. */
export class DatagramRelay {
  readonly #from: Socket;
  readonly #address: string;
  readonly #port: number;
  readonly #flows = new Map<string, Flow>();

  constructor(from: Socket, address: string, port: number) {
    this.#from = from;
    this.#address = address;
    this.#port = port;
    from.on('message', (message, client) => this.#pass(message, client));
  }

  close(): void {
    for (const key of [...this.#flows.keys()]) this.#forget(key);
  }

  #pass(message: Buffer, client: RemoteInfo): void {
    const key = `${client.address} ${client.port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, client);
    flow.idle.refresh();
    flow.socket.send(message, this.#port, this.#address, () => undefined);
  }

  #open(key: string, client: RemoteInfo): Flow {
    const [oldest] = this.#flows.keys();
    if (this.#flows.size >= FLOWS && oldest !== undefined) this.#forget(oldest);
    const socket = createSocket(isIPv6(this.#address) ? 'udp6' : 'udp4');
    const flow: Flow = { socket, idle: setTimeout(() => this.#forget(key), IDLE_MS).unref() };
    socket.on('error', () => this.#forget(key)).unref();
    socket.on('message', (answer, from) => {
      if (from.port !== this.#port || from.address !== this.#address) return;
      flow.idle.refresh();
      this.#from.send(answer, client.port, client.address, () => undefined);
    });
    this.#flows.set(key, flow);
    return flow;
  }

  #forget(key: string): void {
    const flow = this.#flows.get(key);
    if (!flow || !this.#flows.delete(key)) return;
    clearTimeout(flow.idle);
    flow.socket.close();
  }
}
