import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ApiClient, ApiError, ConnectError } from '../../../engine/api/client.ts';
import { notFound } from '../../../engine/base/errors.ts';
import { silentLog } from '../../../engine/base/log.ts';
import { Activity } from '../../../engine/server/activity.ts';
import { createHttpServer } from '../../../engine/server/httpServer.ts';
import { listenOnSocket } from '../../../engine/server/listen.ts';
import type { Route } from '../../../engine/server/route.ts';

describe('HTTP server and client over a unix socket', () => {
  let folder: string;
  let server: Server;
  let client: ApiClient;
  let gone = 0;
  const routes: Route[] = [
    { method: 'GET', path: '/things/:id/json', handle: ({ params, apiVersion }, reply) => reply.json(200, { id: params['id'], apiVersion }) },
    { method: 'POST', path: '/things', handle: async (context, reply) => reply.json(201, await context.json(z.object({ name: z.string() }))) },
    { method: 'GET', path: '/missing', handle: () => Promise.reject(notFound({ kind: 'thing', id: 'x' })) },
    { method: 'POST', path: '/refused', handle: () => Promise.reject(notFound({ kind: 'thing', id: 'big' })) },
    { method: 'POST', path: '/enough', handle: (_context, reply) => reply.json(200, { enough: true }) },
    { method: 'GET', path: '/crash', handle: () => Promise.reject(new Error('boom')) },
    { method: 'GET', path: '/files/*', handle: ({ params }, reply) => reply.json(200, { rest: params['*'] }) },
    {
      method: 'POST',
      path: '/echo',
      handle: async (context, reply) => {
        const { prefix = '' } = await context.json(z.object({ prefix: z.string().optional() }));
        const stream = await reply.hijack('application/vnd.docker.raw-stream');
        stream.write(prefix);
        stream.on('data', (chunk: Buffer) => stream.write(chunk));
        stream.on('end', () => stream.end('bye'));
      },
    },
    {
      method: 'GET',
      path: '/endless',
      handle: ({ signal }, reply) => {
        reply.stream(200, 'text/plain').write('begin');
        signal.addEventListener('abort', () => (gone += 1));
      },
    },
  ];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-http-'));
    const path = join(folder, 'run', 'api.sock');
    server = createHttpServer({ routes, log: silentLog, serverName: 'Test', activity: new Activity(0, () => false, () => undefined) });
    await listenOnSocket(server, path);
    client = new ApiClient(path);
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  it('listens on a socket that only its owner may open', async () => {
    assert.equal((await stat(client.socketPath)).mode & 0o777, 0o600);
  });

  it('routes versioned paths and tells the handler which version', async () => {
    const schema = z.object({ id: z.string(), apiVersion: z.string() });
    assert.deepEqual(await client.json('GET', '/things/a%20b/json', schema), { id: 'a b', apiVersion: '1.47' });
    assert.deepEqual(await client.json('GET', '/files/a/b:c/json', z.unknown()), { rest: 'a/b:c/json' });
  });

  const refused: Array<[string, Promise<unknown> | (() => Promise<unknown>), number, string]> = [
    ['an unknown path', () => client.send('GET', '/nowhere'), 404, 'ROUTE_NOT_FOUND'],
    ['an error of the table', () => client.send('GET', '/missing'), 404, 'NOT_FOUND'],
    ['a crash in a handler', () => client.send('GET', '/crash'), 500, 'INTERNAL'],
    ['a body of the wrong shape', () => client.send('POST', '/things', { json: { name: 1 } }), 400, 'BAD_REQUEST'],
    ['an error on an upgrade request', () => client.hijack('GET', '/missing'), 404, 'NOT_FOUND'],
  ];
  for (const [what, call, status, code] of refused) {
    it(`answers ${what} with ${status} ${code}`, async () => {
      const attempt = typeof call === 'function' ? call() : call;
      await assert.rejects(attempt, (error) => error instanceof ApiError && error.status === status && error.code === code && error.message.length > 0);
    });
  }

  it('hijacks an upgrade request in both directions, with its body and half-close', async () => {
    const { socket, contentType } = await client.hijack('POST', '/echo', { json: { prefix: 'hello ' } });
    assert.equal(contentType, 'application/vnd.docker.raw-stream');
    socket.end('world');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.equal(text, 'hello worldbye');
  });

  it('answers a hijack without an upgrade by a body', async () => {
    const response = await client.stream('POST', '/echo', { json: { prefix: 'x' } });
    let text = '';
    for await (const chunk of response) text += String(chunk);
    assert.equal(text, 'xbye');
  });

  it('gives the whole answer that came before the end of the request, and sends no more then', async () => {
    for (let round = 0; round < 20; round += 1) {
      let sent = 0;
      const endless = async function* (): AsyncGenerator<Buffer> {
        for (; sent < 4096; sent += 1) {
          // Between the engine's answer and the client's reading of it: what is written there must find the connection open.
          await new Promise((resolve) => setImmediate(resolve));
          yield Buffer.alloc(round % 2 === 0 ? 1024 : 256 * 1024, 1);
        }
      };
      await assert.rejects(client.stream('POST', '/refused', { body: Readable.from(endless(), { objectMode: false }) }), { name: 'ApiError', status: 404 });
      assert.ok(sent < 4096, 'a gigabyte that nobody wants is not sent');
      sent = 0;
      assert.deepEqual(await client.json('POST', '/enough', z.object({ enough: z.boolean() }), { body: Readable.from(endless(), { objectMode: false }) }), { enough: true });
      assert.ok(sent < 4096);
    }
  });

  it('tells the handler when its client goes away', async () => {
    const stop = new AbortController();
    const response = await client.stream('GET', '/endless', { signal: stop.signal });
    response.on('error', () => undefined);
    await once(response, 'data');
    stop.abort();
    for (let i = 0; i < 100 && gone === 0; i += 1) await delay(10);
    assert.equal(gone, 1);
  });

  it('says which socket nobody answers on, and why', async () => {
    await assert.rejects(new ApiClient(join(folder, 'none.sock')).send('GET', '/_ping'), (error) => error instanceof ConnectError && error.reason === 'ENOENT');
  });
});
