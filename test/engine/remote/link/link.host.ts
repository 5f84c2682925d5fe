import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { linkPaths as routes, linkStatusSchema } from '../../../../engine/api/berth/link.ts';
import type { LinkStatus } from '../../../../engine/api/berth/link.ts';
import { ApiClient } from '../../../../engine/api/client.ts';
import { defineError } from '../../../../engine/base/errors.ts';
import { silentLog } from '../../../../engine/base/log.ts';
import type { LinkTarget } from '../../../../engine/remote/link/engineSession.ts';
import { LinkClient } from '../../../../engine/remote/link/linkClient.ts';
import { runLink } from '../../../../engine/remote/link/linkProcess.ts';
import { Activity } from '../../../../engine/server/activity.ts';
import { createHttpServer } from '../../../../engine/server/httpServer.ts';
import { listenOnSocket } from '../../../../engine/server/listen.ts';
import { Relay } from '../../../../engine/server/relay/relay.ts';
import { relayRoutes } from '../../../../engine/server/routes/berth/relay.ts';
import type { Route } from '../../../../engine/server/route.ts';
import { LinkWorld } from '../../../support/linkWorld.ts';

const keyChanged = defineError<Record<never, never>>('HOST_KEY_CHANGED', 403, () => 'The key of the host is another one');

/** What a link asks of an engine, and a stream of numbers. */
const routesOfEngine: readonly Route[] = [
  { method: 'GET', path: '/_ping', handle: (_context, reply) => reply.empty(200) },
  { method: 'GET', path: '/containers/json', handle: (_context, reply) => reply.json(200, []) },
  { method: 'GET', path: '/events', handle: (_context, reply) => void reply.stream(200, 'application/json') },
  {
    method: 'GET',
    path: '/numbers',
    handle: async (context, reply) => {
      const out = reply.stream(200, 'text/plain');
      for (let number = 0; number < 200 && !context.signal.aborted; number += 1) {
        out.write(`${number}\n`);
        await delay(2);
      }
      out.end();
    },
  },
];

/** The whole of what a stream of the API gave. */
async function numbersOver(client: ApiClient): Promise<string> {
  let text = '';
  for await (const chunk of await client.stream('GET', '/numbers')) text += String(chunk);
  return text;
}
const allNumbers = Array.from({ length: 200 }, (_, number) => `${number}\n`).join('');

describe('a link', () => {
  let folder: string;
  let engine: { env: NodeJS.ProcessEnv; client: ApiClient };
  let http: ReturnType<typeof createHttpServer>;
  let relay: Relay;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-lnk-'));
    const path = join(folder, 'engine.sock');
    relay = new Relay({ log: silentLog, accept: (stream) => http.emit('connection', stream), containerAddress: () => '127.0.0.1', patienceMs: 60_000 });
    http = createHttpServer({ routes: [...routesOfEngine, ...relayRoutes(relay)], log: silentLog, serverName: 'Test', activity: new Activity(0, () => false, () => undefined) });
    await listenOnSocket(http, path);
    engine = { env: process.env, client: new ApiClient(path) };
  });
  afterEach(async () => {
    relay.close({ code: 'DONE', detail: 'the test is over' });
    http.close();
    http.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  function clientOf(link: LinkWorld): LinkClient {
    return new LinkClient('test', link.paths, { program: 'false', args: [], env: process.env });
  }
  const silent = { ask: () => Promise.resolve(undefined), report: () => undefined, signal: new AbortController().signal };

  it("brings a port of the host's own here, once for all who ask, with an address that leads there once", async () => {
    const there = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfrom there'));
    await new Promise<void>((resolve) => there.listen(0, '127.0.0.1', resolve));
    const { port } = there.address() as AddressInfo;
    try {
      await using link = await LinkWorld.start(engine);
      const client = clientOf(link);
      await client.reach(silent);
      const [first, second] = await Promise.all([client.forward(port, '/?secret'), client.forward(port, '/')]);
      assert.equal(first.localPort, second.localPort);
      assert.notEqual(first.localPort, port, 'that number is taken here');
      assert.equal(await (await fetch(`http://127.0.0.1:${first.localPort}/`)).text(), 'from there');
      assert.equal((await fetch(first.once ?? '', { redirect: 'manual' })).headers.get('location'), `http://127.0.0.1:${first.localPort}/?secret`);
      await assert.rejects(fetch(first.once ?? '', { redirect: 'manual' }));
    } finally {
      there.close();
    }
  });

  it('asks nobody who only looks on', async () => {
    await using link = await LinkWorld.start(engine, { target: (network) => ({ dial: async ({ ask, signal }) => ((await ask({ kind: 'password', user: 'u', host: 'h' }, signal)) === undefined ? Promise.reject(new Error('no answer')) : network.dial()) }) });
    const looking = new AbortController();
    const seen: string[] = [];
    const looked = (async () => {
      for await (const { state } of link.control.lines('GET', routes.watch, linkStatusSchema, { query: { ask: 0 }, signal: looking.signal })) seen.push(state);
    })().catch(() => undefined);
    await link.control.send('POST', routes.connect);
    const { error } = await link.until(({ state }) => state === 'failed');
    assert.equal(error?.code, 'LINK_NEEDS_ANSWER');
    looking.abort();
    await looked;
    assert.ok(seen.includes('connecting') && !seen.includes('asking'), seen.join(' '));
  });

  it('connects when somebody needs it, and not before', async () => {
    await using link = await LinkWorld.start(engine);
    assert.equal((await link.status()).state, 'idle');
    assert.equal(link.network.dials, 0);
    assert.equal(await link.client.send('GET', '/_ping'), 200);
    const { state, engineServes } = await link.status();
    assert.deepEqual([state, engineServes, link.network.dials], ['connected', true, 1]);
  });

  it('a second one for the same host leaves it to the first', async () => {
    await using link = await LinkWorld.start(engine);
    let ready = false;
    const target: LinkTarget = { dial: () => Promise.reject(new Error('not asked')), prepare: () => Promise.reject(new Error('not asked')), remembered: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() } };
    await runLink({ host: 'test', paths: link.paths, target, log: silentLog, idleSeconds: 0, ready: () => (ready = true), signal: silent.signal });
    assert.ok(ready);
    assert.equal(await link.client.send('GET', '/_ping'), 200);
  });

  it('leaves when nobody needs it, with everything of its own', async () => {
    const link = await LinkWorld.start(engine, { idleSeconds: 0.3 });
    await link.client.send('GET', '/_ping');
    await link.done;
    assert.deepEqual(await readdir(dirname(link.paths.socket)), []);
    while (relay.size > 0) await delay(5);
    await link[Symbol.asyncDispose]();
  });

  it('stays while somebody is connected', async () => {
    await using link = await LinkWorld.start(engine, { idleSeconds: 0.1 });
    assert.equal(await numbersOver(link.client), allNumbers);
    await link.done;
  });

  it('says to an HTTP client why the host cannot be reached, and tries again the next time', async () => {
    let fail = true;
    await using link = await LinkWorld.start(engine, { target: (network) => ({ dial: () => (fail ? Promise.reject(keyChanged({})) : network.dial()) }) });
    await assert.rejects(link.client.send('GET', '/_ping'), { status: 502, code: 'HOST_KEY_CHANGED', message: 'The key of the host is another one' });
    const { state, error } = await link.status();
    assert.deepEqual([state, error?.code], ['failed', 'HOST_KEY_CHANGED']);
    await assert.rejects(clientOf(link).reach(silent), { code: 'HOST_KEY_CHANGED' });
    fail = false;
    assert.equal(await (await clientOf(link).reach(silent)).send('GET', '/_ping'), 200);
  });

  it('does not go on asking a host that refuses it, and resumes what was open when it is let in again', async () => {
    let refuse = false;
    await using link = await LinkWorld.start(engine, { target: (network) => ({ dial: () => (refuse ? Promise.reject(keyChanged({})) : network.dial()) }) });
    await link.client.send('GET', '/_ping');
    const numbers = numbersOver(link.client);
    await delay(30);
    refuse = true;
    link.network.cut();
    await link.until(({ state }) => state === 'failed');
    link.network.mend();
    refuse = false;
    await clientOf(link).reach(silent);
    assert.equal(await numbers, allNumbers);
  });

  it('a command gives a host up that cannot be reached; the link does not', async () => {
    await using link = await LinkWorld.start(engine);
    await link.client.send('GET', '/_ping');
    link.network.cut();
    await link.until(({ state }) => state === 'reconnecting');
    await assert.rejects(clientOf(link).reach(silent), { code: 'TEST_UNREACHABLE' });
    const waiting = await link.until(({ state, retryAt }) => state === 'reconnecting' && retryAt !== undefined);
    assert.equal(waiting.error?.code, 'TEST_UNREACHABLE');
    link.network.mend();
    await link.until(({ state }) => state === 'connected');
  });

  it('asks who watches it, and passes the answer on once', async () => {
    const given: unknown[] = [];
    await using link = await LinkWorld.start(engine, {
      target: (network) => ({
        dial: async ({ ask, signal }) => {
          given.push(await ask({ kind: 'host-key', host: 'far', keyType: 'ed25519', fingerprint: 'SHA256:abc' }, signal));
          return network.dial();
        },
      }),
    });
    const seen: Array<LinkStatus['state']> = [];
    const answered = new Set<string>();
    for await (const status of link.control.lines('GET', routes.watch, linkStatusSchema, { query: { connect: 1 } })) {
      if (status.state !== seen.at(-1)) seen.push(status.state);
      if (status.question && !answered.has(status.question.id)) {
        answered.add(status.question.id);
        await link.control.send('POST', routes.answer, { json: { id: status.question.id, answers: ['yes'] } });
      }
      if (status.state === 'connected') break;
    }
    assert.deepEqual(given, [['yes']]);
    assert.deepEqual(seen, ['connecting', 'asking', 'connecting', 'connected']);
    await assert.rejects(link.control.send('POST', routes.answer, { json: { id: 'old', answers: ['yes'] } }), { status: 404 });
  });

  it('does not take a port for itself that is in use here', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(28310, '127.0.0.1', resolve));
    http.removeAllListeners('request');
    await using link = await LinkWorld.start(engine);
    http.on('request', (request, response) => {
      const published = [{ Id: 'c'.repeat(64), Names: ['/web'], Image: '', ImageID: '', Command: '', Created: 0, State: 'running', Status: '', Ports: [{ PrivatePort: 80, PublicPort: 28310, Type: 'tcp' }, { PrivatePort: 81, PublicPort: 28311, Type: 'tcp' }, { PrivatePort: 82, PublicPort: 28312, Type: 'udp' }] }];
      if (request.url?.includes('/events')) response.flushHeaders();
      else response.end(JSON.stringify(published));
    });
    await link.client.send('GET', '/_ping');
    const { ports } = await link.until((status) => status.ports.length === 2);
    const [other, same] = [ports.find(({ containerPort }) => containerPort === 80), ports.find(({ containerPort }) => containerPort === 81)];
    assert.equal(same?.localPort, 28311);
    assert.ok(other && other.localPort !== 28310);
    taken.close();
  });

  it('stops when it is told to, and its sockets go', async () => {
    const link = await LinkWorld.start(engine);
    await link.client.send('GET', '/_ping');
    assert.equal(await clientOf(link).stop(silent.signal), true);
    await link.done;
    assert.equal(existsSync(link.paths.socket), false);
    assert.equal(await clientOf(link).stop(silent.signal), false);
    await link[Symbol.asyncDispose]();
  });
});
