import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { asBerthError, systemCode } from '../../base/errors.ts';
import type { HostLoopback, LoopbackPort } from '../../host/rootless/hostLoopback.ts';

/** Hands connections to a port of 127.0.0.1 on to wherever `target` leads, byte by byte: WebSockets need nothing special. */
export class LoopbackProxy {
  #held: LoopbackPort | undefined;
  readonly #sockets = new Set<Socket>();

  /** Listens on the port if it is free, else on any. */
  static async listen(loopback: HostLoopback, port: number, target: () => Promise<Socket>): Promise<LoopbackProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const proxy = new LoopbackProxy();
    server.on('connection', (socket) => void proxy.#serve(socket, target));
    try {
      proxy.#held = await loopback.listen(server, port);
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' || port === 0) throw error;
      proxy.#held = await loopback.listen(server, 0);
    }
    return proxy;
  }

  get port(): number {
    return this.#held?.port ?? 0;
  }

  async close(): Promise<void> {
    const released = this.#held?.release();
    for (const socket of this.#sockets) socket.destroy();
    await released;
  }

  async #serve(client: Socket, target: () => Promise<Socket>): Promise<void> {
    this.#own(client);
    try {
      const server = await target();
      this.#own(server);
      if (client.destroyed) server.destroy();
      client.once('close', () => server.destroy());
      server.once('close', () => client.destroy());
      server.pipe(client);
      client.pipe(server);
    } catch (error) {
      refuse(client, asBerthError(error).message);
    }
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Whoever asks is a browser: a sentence in it says more than a closed connection. */
function refuse(client: Socket, message: string): void {
  const body = `Berth: ${message}\n`;
  client.resume();
  client.end(`HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`);
}
