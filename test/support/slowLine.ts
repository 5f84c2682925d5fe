import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * A long line to a TCP server, on a loopback port: each byte takes `oneWayMs`, and the first ones as much longer as TCP's own greeting takes on such a
 * line. (netem would do that for packets, but not every kernel has it.)
 */
export async function slowLine(target: { readonly host: string; readonly port: number }, oneWayMs: number): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const arrival = Date.now() + 3 * oneWayMs; // SYN, its answer, and the last part with the first bytes
    sockets.add(near);
    setTimeout(() => {
      const far = connect({ ...target, noDelay: true, allowHalfOpen: true });
      sockets.add(far);
      let first = true; // what came before the line was there arrives with it
      pipe(near, far, (now) => (first ? ((first = false), arrival) : now + oneWayMs));
      pipe(far, near, (now) => now + oneWayMs);
    }, 3 * oneWayMs);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function pipe(from: Socket, to: Socket, arrives: (now: number) => number): void {
  const later = (action: () => void): void => void setTimeout(action, Math.max(0, arrives(Date.now()) - Date.now()));
  from.on('data', (chunk: Buffer) => later(() => to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => undefined);
  from.on('close', () => later(() => to.destroy()));
}
