import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { systemCode } from '../../base/errors.ts';
import type { HostLoopback, LoopbackPort } from '../../host/rootless/hostLoopback.ts';
import { localPortTaken } from '../errors.ts';

const HOST = '127.0.0.1';
/** How many numbers above the wanted one are tried before any is taken: the same choice again after a restart, mostly. */
const NEIGHBOURS = 20;

/** A port of this host's loopback that leads into a container. */
export interface LocalForward {
  readonly host: string;
  readonly port: number;
  /** Lets the port go and breaks the connections through it. */
  close(): Promise<void>;
}

/** Opens the way of one connection: a socket that is connected and paused. */
export type Dial = () => Promise<Socket>;

/** Binds `wanted` or, unless `exactly`, the next number that is free. Throws LOCAL_PORT_TAKEN. */
export async function openLocalForward(loopback: HostLoopback, wanted: number, exactly: boolean, dial: Dial): Promise<LocalForward> {
  const candidates = exactly ? [wanted] : [...Array.from({ length: NEIGHBOURS }, (_, index) => wanted + index).filter((port) => port <= 65535), 0];
  for (const port of candidates) {
    try {
      return await listen(loopback, port, dial);
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' && systemCode(error) !== 'EACCES') throw error;
    }
  }
  throw localPortTaken({ host: HOST, port: wanted });
}

async function listen(loopback: HostLoopback, port: number, dial: Dial): Promise<LocalForward> {
  const sockets = new Set<Socket>();
  const own = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (from) => void relay(own(from), dial, own));
  const held = await loopback.listen(server, port);
  server.on('error', () => undefined).unref();
  return { host: HOST, port: held.port, close: () => letGo(held, sockets) };
}

/** Nobody listens at the other end: the connection ends at once, as it would if it had not been accepted. */
async function relay(from: Socket, dial: Dial, own: (socket: Socket) => Socket): Promise<void> {
  from.on('error', () => from.destroy());
  let to: Socket;
  try {
    to = own(await dial());
  } catch {
    from.resetAndDestroy();
    return;
  }
  const end = (): void => {
    from.destroy();
    to.destroy();
  };
  from.once('error', end);
  to.once('error', end);
  if (from.destroyed) return end();
  from.pipe(to).pipe(from);
}

async function letGo(held: LoopbackPort, sockets: ReadonlySet<Socket>): Promise<void> {
  const released = held.release();
  for (const socket of sockets) socket.destroy();
  await released;
}
