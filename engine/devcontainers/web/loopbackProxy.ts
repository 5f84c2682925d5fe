import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { asBerthError, systemCode } from '../../base/errors.ts';

/** Hands connections to a port of 127.0.0.1 on to wherever `target` leads, byte by byte: WebSockets need nothing special. */
export class LoopbackProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on the port if it is free, else on any. */
  static async listen(port: number, target: () => Promise<Socket>): Promise<LoopbackProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const proxy = new LoopbackProxy(server);
    server.on('connection', (socket) => void proxy.#serve(socket, target));
    try {
      await listening(server, port);
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' || port === 0) throw error;
      await listening(server, 0);
    }
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
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

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whoever asks is a browser: a sentence in it says more than a closed connection. */
function refuse(client: Socket, message: string): void {
  const body = `Berth: ${message}\n`;
  client.resume();
  client.end(`HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`);
}
