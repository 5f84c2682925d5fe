import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { systemCode } from '../../base/errors.ts';
import { readFrames, writeFrame } from './frames.ts';
import type { Transport } from './answer.ts';

/** Answers a message; `undefined`: not at all. */
export type Respond = (message: Buffer, source: string, transport: Transport) => Promise<Buffer | undefined>;

const ATTEMPTS = 20;
const IDLE_MS = 10_000;
const CONNECTIONS = 200;

export interface DnsServer {
  /** The same for UDP and TCP. */
  readonly port: number;
  close(): Promise<void>;
}

/** Listens by UDP and TCP under one port number, any that is free for both. */
export async function openDnsServer(address: string, respond: Respond): Promise<DnsServer> {
  for (let attempt = 1; ; attempt++) {
    const udp = await openUdp(address, respond);
    try {
      const { port } = udp.address();
      const { server, sockets } = await openTcp(address, port, respond);
      return { port, close: () => close(udp, server, sockets) };
    } catch (error) {
      udp.close();
      if (systemCode(error) !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
    }
  }
}

function openUdp(address: string, respond: Respond): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    void respond(message, from.address, 'udp').then((answer) => {
      // Who asked may be gone by now.
      if (answer) socket.send(answer, from.port, from.address, () => undefined);
    }, () => undefined);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port: 0, exclusive: true }, () => {
      socket.on('error', () => undefined).unref();
      resolve(socket);
    });
  });
}

function openTcp(address: string, port: number, respond: Respond): Promise<{ server: Server; sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy()));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    const source = socket.remoteAddress ?? '';
    readFrames(socket, (message) => {
      void respond(message, source, 'tcp').then((answer) => (answer && !socket.destroyed ? writeFrame(socket, answer) : socket.destroy()), () => socket.destroy());
    });
  });
  server.maxConnections = CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, () => {
      server.on('error', () => undefined).unref();
      resolve({ server, sockets });
    });
  });
}

async function close(udp: UdpSocket, server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await Promise.all([new Promise<void>((done) => udp.close(() => done())), new Promise<void>((done) => server.close(() => done()))]);
}
