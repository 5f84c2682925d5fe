import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';

const LIFE_MS = 60_000;

/** Makes a server listen on a free port of 127.0.0.1, until it is released. */
type ListenOnLoopback = (server: Server) => Promise<{ readonly port: number; release(): Promise<void> | void }>;

/**
 * An address of 127.0.0.1 that leads to another one, once, within a minute. Browsers are started with an address among their arguments, which
 * every user of a host can see: this one is worth nothing any more by then.
 */
export async function oneTimeRedirect(listen: ListenOnLoopback, location: string): Promise<string> {
  const path = `/${randomBytes(32).toString('hex')}`;
  const server = createServer((request, response) => {
    response.setHeader('Connection', 'close');
    if (request.url !== path || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(302, { 'Location': location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).end();
    end();
  });
  const held = await listen(server);
  const end = (): void => void held.release();
  server.unref();
  setTimeout(end, LIFE_MS).unref();
  return `http://127.0.0.1:${held.port}${path}`;
}
