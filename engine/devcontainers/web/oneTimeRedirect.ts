import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const LIFE_MS = 60_000;

/**
 * An address of 127.0.0.1 that leads to another one, once, within a minute. Browsers are started with an address among their arguments, which
 * every user of a host can see: this one is worth nothing any more by then.
 */
export async function oneTimeRedirect(location: string): Promise<string> {
  const path = `/${randomBytes(32).toString('hex')}`;
  const server = createServer((request, response) => {
    response.setHeader('Connection', 'close');
    if (request.url !== path || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(302, { 'Location': location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).end();
    server.close();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  setTimeout(() => server.close(), LIFE_MS).unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}
