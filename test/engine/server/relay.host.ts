import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../../../engine/api/client.ts';
import { notFound } from '../../../engine/base/errors.ts';
import { silentLog } from '../../../engine/base/log.ts';
import { MuxSession } from '../../../engine/base/mux/muxSession.ts';
import type { MuxStream } from '../../../engine/base/mux/muxStream.ts';
import { askForRelay } from '../../../engine/remote/link/relayClient.ts';
import { Activity } from '../../../engine/server/activity.ts';
import { createHttpServer } from '../../../engine/server/httpServer.ts';
import { listenOnSocket } from '../../../engine/server/listen.ts';
import { Relay } from '../../../engine/server/relay/relay.ts';
import { relayRoutes } from '../../../engine/server/routes/berth/relay.ts';

const never = new AbortController().signal;

describe('the relay', () => {
  let folder: string;
  let path: string;
  let relay: Relay;
  let idle: number;
  let http: ReturnType<typeof createHttpServer>;
  const open = new Set<MuxSession>();

  async function serve(patienceMs = 60_000): Promise<void> {
    relay = new Relay({
      log: silentLog,
      accept: (stream) => http.emit('connection', stream),
      containerAddress: (id) => {
        if (id !== 'here') throw notFound({ kind: 'container', id });
        return '127.0.0.1';
      },
      patienceMs,
    });
    idle = 0;
    const ping = { method: 'GET', path: '/_ping', handle: (_context: unknown, reply: { json(status: number, value: unknown): void }) => reply.json(200, { pong: true }) } as const;
    http = createHttpServer({ routes: [ping, ...relayRoutes(relay)], log: silentLog, serverName: 'Test', activity: new Activity(0.05, () => relay.isNeeded, () => (idle += 1)) });
    await listenOnSocket(http, path);
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-relay-'));
    path = join(folder, 'api.sock');
  });
  afterEach(async () => {
    for (const session of open) session.close({ code: 'DONE', detail: 'the test is over' });
    open.clear();
    relay.close({ code: 'DONE', detail: 'the test is over' });
    http.close();
    http.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  const dial = async (): Promise<Socket> => {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  };

  interface Client {
    readonly mux: MuxSession;
    readonly id: string;
    carrier: Socket;
    ended: string;
    resume(): Promise<void>;
    to(target: object): MuxStream;
  }

  async function session(): Promise<Client> {
    const first = await dial();
    const { id, received, carrier } = await askForRelay(first, undefined, never);
    const mux = new MuxSession({ side: 'client', onOpen: () => undefined, onClosed: ({ code }) => (client.ended = code) });
    mux.attach(carrier, received);
    open.add(mux);
    const client: Client = {
      mux,
      id,
      carrier: first,
      ended: '',
      to: (target) => mux.open(Buffer.from(JSON.stringify(target))),
      resume: async () => {
        mux.detach();
        client.carrier = await dial();
        const answer = await askForRelay(client.carrier, { id, received: mux.received }, never);
        mux.attach(answer.carrier, answer.received);
      },
    };
    return client;
  }

  async function tcpServer(onConnection: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
    const server: Server = createServer({ allowHalfOpen: true }, onConnection);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
  }

  it('hands streams to the engine\'s own server, many on one connection', async () => {
    await serve();
    const client = await session();
    const api = new ApiClient('relayed', '', () => client.to({ kind: 'api' }));
    const statuses = await Promise.all(Array.from({ length: 50 }, () => api.send('GET', '/_ping')));
    assert.deepEqual(new Set(statuses), new Set([200]));
  });

  it('reaches ports, with half-close', async () => {
    await serve();
    await using server = await tcpServer((socket) => void text(socket).then((said) => socket.end(`you said ${said}`)));
    const client = await session();
    for (const target of [{ kind: 'host-port', port: server.port }, { kind: 'container-port', container: 'here', port: server.port }]) {
      const stream = client.to(target);
      stream.end('hello');
      assert.equal(await text(stream), 'you said hello');
    }
  });

  const refused: ReadonlyArray<readonly [string, object, RegExp]> = [
    ['a container that is not there', { kind: 'container-port', container: 'gone', port: 80 }, /No such container: gone/],
    ['a port where nothing listens', { kind: 'container-port', container: 'here', port: 1 }, /RELAY_TARGET_UNREACHABLE/],
    ['a kind that does not exist', { kind: 'file', path: '/etc/shadow' }, /BAD_REQUEST/],
    ['a socket of the host', { kind: 'unix', path: '/run/other.sock' }, /BAD_REQUEST/],
    ['a port that is none', { kind: 'host-port', port: 0 }, /BAD_REQUEST/],
  ];
  for (const [what, target, said] of refused) {
    it(`breaks a stream off that leads to ${what}, and says why`, async () => {
      await serve();
      const stream = (await session()).to(target);
      await assert.rejects(buffer(stream), said);
    });
  }

  it('does not take a connection that did not ask for the protocol, or a count that is none', async () => {
    await serve();
    const client = new ApiClient(path, '');
    await assert.rejects(client.send('POST', '/berth/v1/relay'), { status: 400, code: 'BAD_REQUEST' });
    await assert.rejects(client.hijack('POST', '/berth/v1/relay'), { status: 400, code: 'BAD_REQUEST' });
    await assert.rejects(client.hijack('POST', '/berth/v1/relay', { headers: { Upgrade: 'berth-relay/1', 'berth-relay-session': 'x', 'berth-relay-received': '-1' } }), { status: 400 });
  });

  it('knows no session but its own', async () => {
    await serve();
    await assert.rejects(askForRelay(await dial(), { id: 'guessed', received: 0 }, never), { code: 'RELAY_SESSION_OVER' });
  });

  it('waits for a lost link for so long, and then ends its streams', async () => {
    await serve(80);
    let gone: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (gone = resolve));
    await using server = await tcpServer((socket) => void socket.on('error', () => undefined).resume().once('end', () => socket.end(gone)));
    const client = await session();
    client.to({ kind: 'host-port', port: server.port }).write('x');
    await delay(20);
    client.carrier.destroy();
    await ended;
    assert.equal(relay.size, 0);
  });

  it('the last who resumes a session carries it', async () => {
    await serve();
    const client = await session();
    const attempts = await Promise.allSettled([client.resume(), client.resume()]);
    assert.ok(attempts.some(({ status }) => status === 'fulfilled'));
    await client.resume();
    const api = new ApiClient('relayed', '', () => client.to({ kind: 'api' }));
    assert.equal(await api.send('GET', '/_ping'), 200);
    assert.equal(relay.size, 1);
  });

  it('keeps the engine while a port is in use, and not for a link that is idle', async () => {
    await serve();
    await using server = await tcpServer((socket) => void socket.resume().once('end', () => socket.end()));
    const client = await session();
    const stream = client.to({ kind: 'host-port', port: server.port });
    stream.write('x');
    await delay(20);
    assert.equal(relay.isNeeded, true);
    const api = new ApiClient('relayed', '', () => client.to({ kind: 'api' }));
    await api.send('GET', '/_ping');
    const before = idle;
    await delay(120);
    assert.equal(idle, before);
    stream.end();
    stream.resume();
    while (idle === before) await delay(10);
    assert.equal(client.ended, '');
  });

  it('tells its links when the engine stops', async () => {
    await serve();
    const client = await session();
    relay.close({ code: 'ENGINE_STOPPED', detail: 'the engine was stopped' });
    await once(client.carrier, 'close');
    assert.equal(client.ended, 'ENGINE_STOPPED');
  });

  it('carries 100 MB beside a stream that nobody reads, and keeps little of it', async () => {
    await serve();
    const block = randomBytes(1024 * 1024);
    await using server = await tcpServer((socket) => {
      void (async () => {
        socket.on('error', () => undefined);
        for (let sent = 0; sent < 100 && !socket.destroyed; sent += 1) if (!socket.write(block)) await once(socket, 'drain').catch(() => undefined);
        socket.end();
      })();
    });
    const client = await session();
    const stalled = client.to({ kind: 'host-port', port: server.port });
    const flowing = client.to({ kind: 'host-port', port: server.port });
    flowing.end();
    const hash = createHash('sha256');
    let most = 0;
    for await (const chunk of flowing as AsyncIterable<Buffer>) {
      hash.update(chunk);
      most = Math.max(most, client.mux.unacknowledged);
    }
    const expected = createHash('sha256');
    for (let count = 0; count < 100; count += 1) expected.update(block);
    assert.equal(hash.digest('hex'), expected.digest('hex'));
    assert.ok(most < 64 * 1024, `${most} bytes were kept at the end that only reads`);
    assert.ok(stalled.readableLength < 1024 * 1024);
    stalled.destroy();
  });
});
