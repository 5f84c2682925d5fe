import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** A relay to a server (`to`: a loopback port) that counts how often the client speaks after it has heard the server: each is one round trip on a long line. */
export async function countFlights(listen: number, to: number | { readonly host: string; readonly port: number }): Promise<{ flights: () => number; close: () => void }> {
  let flights = 0;
  let last: 'client' | 'server' | undefined;
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ ...(typeof to === 'number' ? { host: '127.0.0.1', port: to } : to), noDelay: true });
    sockets.push(client, upstream);
    client.on('data', (chunk: Buffer) => {
      if (last !== 'client') flights++;
      last = 'client';
      upstream.write(chunk);
    });
    // What the server says in one go must not look like several answers: the client gets it whole, a moment later.
    let waiting: Buffer[] = [];
    upstream.on('data', (chunk: Buffer) => {
      if (waiting.length === 0) {
        setTimeout(() => {
          last = 'server';
          client.write(Buffer.concat(waiting));
          waiting = [];
        }, 60);
      }
      waiting.push(chunk);
    });
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) one.on('error', () => undefined).on('close', () => other.end());
  }).listen(listen, '127.0.0.1');
  await once(server, 'listening');
  return {
    flights: () => flights,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
