import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { devPortSchema, portEventSchema } from '../../../engine/api/berth/port.ts';
import type { DevPort } from '../../../engine/api/berth/port.ts';
import { run } from '../../../engine/host/process.ts';
import { ask } from '../../support/ask.ts';
import { DevProjects } from '../../support/devProjects.ts';

/** Answers every connection with its name, in Perl, which even a small Debian has. */
const server = `use Socket qw(:all); my ($family, $address, $port, $name) = @ARGV;
socket(S, $family eq "6" ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die; setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
my $raw = inet_pton($family eq "6" ? AF_INET6 : AF_INET, $address);
bind(S, $family eq "6" ? pack_sockaddr_in6($port, $raw) : pack_sockaddr_in($port, $raw)) or die "bind: $!"; listen(S, 5) or die;
while (accept(C, S)) { my $line = <C>; print C "$name heard $line"; close C }`;

describe('ports of a dev container', () => {
  let dev: DevProjects;
  before(async () => {
    dev = await DevProjects.start('prtfwd');
  });
  after(() => dev.remove());

  const listen = async (folder: string, family: '4' | '6', address: string, port: number, name: string): Promise<void> => {
    await dev.engine.berth(['exec', '--folder', folder, '--detach', '--', 'perl', '-e', server, family, address, String(port), name]);
  };
  const list = (folder: string): Promise<DevPort[]> => dev.engine.client.json('GET', '/berth/v1/ports', z.array(devPortSchema), { query: { folder } });
  const until = async (folder: string, port: number, holds: (port: DevPort | undefined) => boolean): Promise<DevPort | undefined> => {
    for (const deadline = Date.now() + 20_000; ; await delay(50)) {
      const found = (await list(folder)).find((one) => one.port === port);
      if (holds(found)) return found;
      assert.ok(Date.now() < deadline, `port ${port} is ${JSON.stringify(found)}`);
    }
  };
  const listening = (port: DevPort | undefined): boolean => port?.listening === true;

  it('are noticed when a program listens, on whatever address, reached on this host, and gone when it ends', async () => {
    const folder = await dev.project('noticed', { image: 'users', portsAttributes: { '28710': { label: 'web', protocol: 'http', onAutoForward: 'openBrowser' }, ' three$': { onAutoForward: 'silent' }, '28713': { onAutoForward: 'ignore' } } });
    await dev.up(folder);
    const ways = [['4', '127.0.0.1', 28710, 'one'], ['6', '::1', 28711, 'two'], ['4', '0.0.0.0', 28712, 'three'], ['4', '127.0.0.1', 28713, 'four']] as const;
    for (const [family, address, port, name] of ways) await listen(folder, family, address, port, name);
    for (const [, , port, name] of ways.slice(0, 3)) {
      const found = await until(folder, port, listening);
      assert.deepEqual(found?.local, { host: '127.0.0.1', port });
      assert.equal(await ask(port, 'hello'), `${name} heard hello\n`);
    }
    await until(folder, 28713, listening);
    const ports = await list(folder);
    assert.deepEqual(ports.map(({ port, loopbackOnly, families, onAutoForward, label }) => ({ port, loopbackOnly, families, onAutoForward, label })), [
      { port: 28710, loopbackOnly: true, families: ['ipv4'], onAutoForward: 'openBrowser', label: 'web' },
      { port: 28711, loopbackOnly: true, families: ['ipv6'], onAutoForward: 'notify', label: undefined },
      { port: 28712, loopbackOnly: false, families: ['ipv4'], onAutoForward: 'silent', label: undefined },
      { port: 28713, loopbackOnly: true, families: ['ipv4'], onAutoForward: 'ignore', label: undefined },
    ]);
    assert.deepEqual([ports[3]?.local, ports[0]?.process?.name], [undefined, 'perl']);
    assert.match((await dev.engine.berth(['ports', folder])).stdout, /^PORT +ADDRESS +LABEL +PROCESS\n28710 +http:\/\/127\.0\.0\.1:28710 +web +perl -e .*\n28711 /);
    process.kill(ports[0]?.process?.pid ?? 0, 'SIGKILL');
    await until(folder, 28710, (port) => port === undefined);
    await assert.rejects(ask(28710, 'hello'));
    await dev.engine.berth(['stop', folder]);
    assert.deepEqual(await list(folder), []);
    await assert.rejects(ask(28711, 'hello'));
    assert.doesNotMatch((await run('ps', ['-eo', 'args'])).stdout, /nsenter --net=\/proc\/\d+\/ns\/net -- .*getBuiltinModule/);
  });

  it('that forwardPorts names are there from the start, under another number when theirs is taken', async () => {
    const holder = createServer().listen(28720, '127.0.0.1');
    await once(holder, 'listening');
    const folder = await dev.project('declared', { image: 'users', forwardPorts: [28720, 28721, 28722], portsAttributes: { '28722': { requireLocalPort: true } } });
    const second = createServer().listen(28722, '127.0.0.1');
    await once(second, 'listening');
    try {
      const { log } = await dev.up(folder);
      const [first] = await list(folder);
      assert.notEqual(first?.local?.port, 28720);
      assert.match(log, new RegExp(`port 28720 is http://127\\.0\\.0\\.1:${first?.local?.port}\n`));
      assert.match(log, /port 28722 of 127\.0\.0\.1 is taken/i);
      assert.match((await dev.engine.berth(['ports', folder])).stdout, /28722 +not forwarded \[LOCAL_PORT_TAKEN\] +nothing listens yet/);
      await assert.rejects(ask(first?.local?.port ?? 0, 'nobody'), /ECONNRESET/);
      await listen(folder, '4', '127.0.0.1', 28720, 'declared');
      await until(folder, 28720, listening);
      assert.equal(await ask(first?.local?.port ?? 0, 'hello'), 'declared heard hello\n');
      second.close();
      await until(folder, 28722, (port) => port?.local?.port === 28722);
    } finally {
      holder.close();
      second.close();
    }
  });

  it('of another host are reached from inside, by the name that the container knows it by', async () => {
    const database = await dev.engine.docker(['run', '-d', 'debian:bookworm', 'perl', '-e', server, '4', '0.0.0.0', '5432', 'database']);
    const id = database.stdout.trim();
    const address = (await dev.engine.docker(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', id])).stdout.trim();
    const folder = await dev.project('other', { image: 'users', forwardPorts: ['db:5432'], runArgs: [`--add-host=db:${address}`] });
    assert.match((await dev.up(folder)).log, /port db:5432 is http:/);
    const [port] = await list(folder);
    assert.equal(await ask(port?.local?.port ?? 0, 'select'), 'database heard select\n');
    await dev.engine.docker(['rm', '-f', id]);
  });

  it('that are published are left to that, unless the program listens where publishing does not reach', async () => {
    const folder = await dev.project('published', { image: 'users', appPort: ['127.0.0.1:28730:28731', '127.0.0.1:28732:28733'], forwardPorts: [28731] });
    await dev.up(folder);
    await listen(folder, '4', '0.0.0.0', 28731, 'open');
    await listen(folder, '4', '127.0.0.1', 28733, 'closed');
    const open = await until(folder, 28731, listening);
    assert.deepEqual([open?.published, open?.local], [true, { host: '127.0.0.1', port: 28730 }]);
    const closed = await until(folder, 28733, listening);
    assert.deepEqual([closed?.published, closed?.local], [false, { host: '127.0.0.1', port: 28733 }]);
    assert.equal(await ask(28733, 'x'), 'closed heard x\n');
  });

  it('are there again after the engine was killed', async () => {
    const folder = await dev.project('killed', { image: 'users', forwardPorts: [28740] });
    await dev.up(folder);
    await listen(folder, '6', '::1', 28741, 'survivor');
    await until(folder, 28741, listening);
    assert.equal(await ask(28741, 'before'), 'survivor heard before\n');
    await dev.engine.kill();
    await assert.rejects(ask(28741, 'between'));
    await dev.engine.berth(['engine', 'start']);
    await until(folder, 28741, (port) => port?.local !== undefined);
    assert.equal(await ask(28741, 'after'), 'survivor heard after\n');
    assert.deepEqual((await list(folder)).map(({ port, declared, local }) => [port, declared, local?.port]), [[28740, true, 28740], [28741, false, 28741]]);
  });

  it('are told as they come and go, and stop being forwarded when one wants it', async () => {
    const folder = await dev.project('told', { image: 'users' });
    const { containerId = '' } = await dev.up(folder);
    const gone = new AbortController();
    const events = dev.engine.client.lines('GET', '/berth/v1/ports', portEventSchema, { query: { folder, follow: 1 }, signal: gone.signal });
    const next = async (): Promise<unknown[]> => {
      const { value } = await events.next() as IteratorResult<z.infer<typeof portEventSchema>, undefined>;
      return [value?.type, value?.port.port, value?.port.local?.port];
    };
    await listen(folder, '4', '127.0.0.1', 28750, 'told');
    assert.deepEqual(await next(), ['open', 28750, 28750]);
    await dev.engine.client.send('POST', '/berth/v1/ports/stop', { json: { containerId, port: 28750 } });
    assert.deepEqual(await next(), ['change', 28750, undefined]);
    await assert.rejects(ask(28750, 'x'), /ECONNREFUSED/);
    await dev.engine.client.send('POST', '/berth/v1/ports/forward', { json: { containerId, port: 28750 } });
    assert.deepEqual(await next(), ['change', 28750, 28750]);
    await dev.engine.docker(['kill', containerId]);
    assert.deepEqual(await next(), ['close', 28750, undefined]);
    gone.abort();
    const { stdout } = await dev.engine.berth(['events', '--since', '1m', '--until', '0s', '--filter', 'type=devcontainer', '--format', '{{.Action}}']);
    assert.deepEqual(stdout.split('\n').filter((action) => action.startsWith('port_')).slice(-4), ['port_open', 'port_change', 'port_change', 'port_close']);
  });
});
