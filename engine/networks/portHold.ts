import { createSocket } from 'node:dgram';
import { connect, createServer, isIPv6 } from 'node:net';
import { DatagramRelay } from './datagramRelay.ts';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Where the connections that reach a held port are passed on to. */
export interface PortTarget {
  readonly ip: string;
  /** Empty: it has no IPv6. */
  readonly ip6: string;
  readonly containerPort: number;
}

/** Where ports of the host are bound. */
export interface PortBinder {
  /** Throws EADDRINUSE, EACCES, EADDRNOTAVAIL…. */
  bind(protocol: 'tcp' | 'udp', hostIp: string, port: number, target: PortTarget): Promise<PortHold>;
  /** Whether what is bound stays so when the engine ends. */
  readonly outlivesEngine: boolean;
  /** Lets go of every port bound by a former engine but these. */
  keepOnly(ports: ReadonlyArray<{ readonly protocol: string; readonly hostIp: string; readonly hostPort: number }>): Promise<void>;
}

/** Binds in the engine itself. */
export const engineBinder: PortBinder = {
  bind: (protocol, hostIp, port, target) => (protocol === 'tcp' ? holdTcp(hostIp, port, target) : holdUdp(hostIp, port, target)),
  outlivesEngine: false,
  keepOnly: () => Promise.resolve(),
};

/** A port of the host, bound: no other process can take it while it is held. */
export interface PortHold {
  /** The port bound, also when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Binds a TCP port. Packets are redirected by the kernel before they reach the socket; connections that do reach it (IPv6 where the container
 * has no address for it, and from ::1) are passed on to the container. Throws EADDRINUSE, EACCES, EADDRNOTAVAIL….
 */
function holdTcp(hostIp: string, port: number, target: PortTarget): Promise<PortHold> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)));
    relay(socket, target);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: hostIp, port, exclusive: true, ipv6Only: isIPv6(hostIp) }, () => {
      server.on('error', () => undefined).unref();
      resolve({ port: (server.address() as AddressInfo).port, close: () => closeServer(server, sockets) });
    });
  });
}

/** Binds a UDP port; what arrives at the socket itself (by IPv6, as with TCP) is passed on. */
function holdUdp(hostIp: string, port: number, target: PortTarget): Promise<PortHold> {
  const six = isIPv6(hostIp);
  const socket = createSocket({ type: six ? 'udp6' : 'udp4', ipv6Only: six });
  const relay = six ? new DatagramRelay(socket, addressOf(target), target.containerPort) : undefined;
  const close = (): Promise<void> => {
    relay?.close();
    return new Promise((done) => socket.close(() => done()));
  };
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: hostIp, port, exclusive: true }, () => {
      socket.on('error', () => undefined).unref();
      resolve({ port: socket.address().port, close });
    });
  });
}

function addressOf({ ip, ip6 }: PortTarget): string {
  return ip6 === '' ? ip : ip6;
}

function relay(from: Socket, target: PortTarget): void {
  const to = connect({ host: addressOf(target), port: target.containerPort, allowHalfOpen: true });
  const end = (): void => {
    from.destroy();
    to.destroy();
  };
  from.on('error', end);
  to.on('error', end);
  to.once('connect', () => {
    from.pipe(to).pipe(from);
    from.resume();
  });
}

function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
