import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { linkStatusSchema } from '../../../../engine/api/berth/link.ts';
import { ApiClient } from '../../../../engine/api/client.ts';
import { imageInspectSchema } from '../../../../engine/api/docker/image.ts';
import { run, start } from '../../../../engine/host/process.ts';
import { baseTar } from '../../../support/base.ts';
import { TestEngine } from '../../../support/engine.ts';
import { RemoteWorld } from '../../../support/remoteWorld.ts';
import { onTerminal } from '../../../support/terminal.ts';

describe('hosts on the command line', () => {
  let engine: TestEngine;
  let world: RemoteWorld;
  let container: string;

  before(async () => {
    engine = await TestEngine.start({ instance: 'lnkb' });
    await run('docker', ['import', await baseTar(), 'debian'], { env: engine.env });
    container = (await engine.docker(['run', '-d', '--name', 'there', 'debian', 'sleep', '1000'])).stdout.trim();
    world = await RemoteWorld.create(engine);
    await world.addHost('far');
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await engine.remove();
  });

  async function linkOf(name: string, { folder } = world): Promise<{ pid: number }> {
    return new ApiClient(join(folder, 'run', 'hosts', `${name}.ctl.sock`), '').json('GET', '/berth/v1/link/status', linkStatusSchema);
  }

  it('a command for a host starts the link and is answered by the engine there', async () => {
    assert.equal((await world.berth(['--host', 'far', 'ps', '-q', '--no-trunc'])).stdout.trim(), container);
    assert.equal((await world.berth(['ps', '-q', '--no-trunc', '--host', 'far'])).stdout.trim(), container);
    assert.equal((await world.berth(['ps', '-q', '--no-trunc'], { env: { BERTH_HOST: 'far' } })).stdout.trim(), container);
  });

  it('several commands at once share one link', async () => {
    await world.addHost('both');
    const answers = await Promise.all([1, 2, 3].map(() => world.berth(['--host', 'both', 'ps', '-q', '--no-trunc'])));
    assert.deepEqual(answers.map(({ stdout }) => stdout.trim()), [container, container, container]);
    const { pid } = await linkOf('both');
    const links = (await run('pgrep', ['-f', `^[^ ]+node .*remoteChild.ts link both`])).stdout.trim().split('\n');
    assert.deepEqual(links, [String(pid)]);
  });

  it('a link that was killed is replaced by the next command', async () => {
    await world.berth(['host', 'connect', 'far']);
    const { pid } = await linkOf('far');
    process.kill(pid, 'SIGKILL');
    assert.equal((await world.berth(['--host', 'far', 'ps', '-q', '--no-trunc'])).stdout.trim(), container);
    assert.notEqual((await linkOf('far')).pid, pid);
  });

  it('its socket is for this user only, and serves the stock docker command', async () => {
    await world.berth(['host', 'connect', 'far']);
    assert.equal((await stat(world.socket('far'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(world.folder, 'run', 'hosts'))).mode & 0o777, 0o700);
    const { stdout } = await run('docker', ['-H', `unix://${world.socket('far')}`, 'exec', '-i', container, 'sh', '-c', 'cat; echo to stderr >&2; exit 3'], { input: 'through the link', okStatus: [3] });
    assert.equal(stdout, 'through the link');
  });

  it('published ports are at this machine\'s localhost, under another number where theirs is taken', async () => {
    await engine.docker(['run', '-d', '--name', 'web', '-p', '127.0.0.1:28301:8000', 'debian', 'perl', '-MIO::Socket::INET', '-e', 'my $s = IO::Socket::INET->new(LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c "hello from there\\n"; close $c }']);
    const status = new ApiClient(join(world.folder, 'run', 'hosts', 'far.ctl.sock'), '');
    let ports: ReadonlyArray<{ name: string; localPort: number }> = [];
    for await (const seen of status.lines('GET', '/berth/v1/link/watch', linkStatusSchema)) if ((ports = seen.ports).length > 0) break;
    const [port] = ports;
    // The host is this machine: the number itself is taken, by what the host publishes.
    assert.ok(port && port.localPort !== 28301);
    const said = async (number: number): Promise<string> => text(connect({ host: '127.0.0.1', port: number }));
    const deadline = Date.now() + 10_000;
    while ((await said(port.localPort).catch(() => '')) !== 'hello from there\n') assert.ok(Date.now() < deadline, 'nothing answers');
    assert.match((await world.berth(['host', 'ports', 'far'])).stdout, new RegExp(`web +8000 +127\\.0\\.0\\.1:${port.localPort}\n`));
    await engine.docker(['rm', '-f', 'web']);
    for await (const seen of status.lines('GET', '/berth/v1/link/watch', linkStatusSchema)) if (seen.ports.length === 0) break;
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(port.localPort, '127.0.0.1', resolve));
    free.close();
  });

  it('where the server forwards to no sockets a process on the host does', async () => {
    await using other = await RemoteWorld.create(engine, { forbidsForwarding: true });
    await other.addHost('strict');
    assert.equal((await other.berth(['--host', 'strict', 'ps', '-q', '--no-trunc'])).stdout.trim(), container);
    assert.equal((await run('docker', ['-H', `unix://${other.socket('strict')}`, 'exec', container, 'echo', 'passed on'])).stdout, 'passed on\n');
  });

  it('a password is asked for at the terminal, not shown, and kept nowhere', async () => {
    await using other = await RemoteWorld.create(engine, { password: 'open sesame' });
    await other.addHost('locked');
    const blind = await other.berth(['--host', 'locked', 'ps'], { okStatus: [1], input: '' });
    assert.match(blind.stderr, /asks for the password of test, and nobody is there to answer.*\[LINK_NEEDS_ANSWER\]/);
    const { screen, status } = await onTerminal(other.command(['--host', 'locked', 'ps', '-q', '--no-trunc']), [{ when: /Password of test on elsewhere: $/, say: 'open sesame\r' }], { cwd: other.folder, env: other.env, signal: AbortSignal.timeout(30_000) });
    assert.equal(status, 0, screen);
    assert.ok(screen.includes(container) && !screen.includes('sesame'), screen);
    for (const name of await readdir(other.folder, { recursive: true, withFileTypes: true })) if (name.isFile()) assert.ok(!(await readFile(join(name.parentPath, name.name), 'utf8')).includes('sesame'), name.name);
  });

  it('a wrong password is said, and asked for again the next time', async () => {
    await using other = await RemoteWorld.create(engine, { password: 'right' });
    await other.addHost('locked');
    const once = (say: string) => onTerminal(other.command(['host', 'connect', 'locked']), [{ when: /Password of test on elsewhere: $/, say }], { cwd: other.folder, env: other.env, signal: AbortSignal.timeout(30_000) });
    const wrong = await once('wrong\r');
    assert.match(wrong.screen, /The password was not accepted \[SSH_AUTH_FAILED\]/);
    assert.equal(wrong.status, 1);
    assert.equal((await once('right\r')).status, 0);
  });

  it('the list says which is meant when none is named, and how each link is', async () => {
    await world.berth(['host', 'connect', 'far']);
    await world.berth(['host', 'use', 'far']);
    assert.match((await world.berth(['host', 'list'])).stdout, /^local .*this machine\n(.*\n)*far \* +ssh:\/\/user@far\.example +auto +connected\n/m);
    assert.equal((await world.berth(['ps', '-q', '--no-trunc'])).stdout.trim(), container);
    assert.equal((await world.berth(['--host', 'local', 'engine', 'status', '--json'], { okStatus: [3] })).stdout, '{"running":false}\n');
    await world.berth(['host', 'use', 'local']);
    assert.match((await world.berth(['host', 'list'])).stdout, /^local \*/m);
  });

  it('doctor goes the whole way', async () => {
    await world.berth(['host', 'connect', 'far']);
    const { stdout } = await world.berth(['host', 'doctor', 'far']);
    for (const step of ['name', 'connection', 'host key', 'login', 'shell', 'kernel', 'user', 'disk', 'clock', 'engine', 'API']) assert.match(stdout, new RegExp(`^(ok|warning) +${step}\\b`, 'm'));
  });

  it('an image goes to another engine without the layers that are there', async () => {
    await using here = await RemoteWorld.create(engine);
    await here.addHost('far');
    const push = async (image: string): Promise<string> => (await here.berth(['--host', 'far', 'image', 'push-to', 'local', image])).stderr;
    try {
      assert.match(await push('debian'), /^1 of 1 layers are missing there\.\n/);
      assert.match(await push('debian'), /^0 of 1 layers are missing there\.\n\d+ ?B were sent/);
      await engine.docker(['build', '-q', '-t', 'team/grown:1', '-'], { input: 'FROM debian\nRUN echo grown > /grown\n' });
      assert.match(await push('team/grown:1'), /^1 of 2 layers are missing there\.\n[\d.]+ ?k?B were sent/);
      const idOf = async (client: ApiClient): Promise<string> => (await client.json('GET', '/images/team/grown:1/json', imageInspectSchema)).Id;
      assert.equal(await idOf(new ApiClient(join(here.folder, 'run', 'berth.sock'))), await idOf(engine.client));
    } finally {
      await here.berth(['--host', 'local', 'engine', 'stop'], { okStatus: 'any' });
    }
  });

  it('a host that is not there is told, with those that are', async () => {
    assert.match((await world.berth(['--host', 'nowhere', 'ps'], { okStatus: [1] })).stderr, /There is no host called nowhere. There are: far.*\[NO_SUCH_HOST\]/);
  });

  it('a link ends when its folder was removed, and so does what a killed test began', async () => {
    const gone = await RemoteWorld.create(engine);
    await gone.addHost('lost');
    await gone.berth(['host', 'connect', 'lost']);
    const { pid } = await linkOf('lost', gone);
    assert.ok(existsSync(`/proc/${pid}/exe`));
    await rm(gone.folder, { recursive: true });
    while (existsSync(`/proc/${pid}/exe`)) await delay(50);

    const folder = await mkdtemp(join(tmpdir(), 'berth-lnk-'));
    const script = `import { removedWithUs } from ${JSON.stringify(new URL('../../../support/removedWithUs.ts', import.meta.url).href)}; removedWithUs(${JSON.stringify(folder)}); console.log('up'); setInterval(() => undefined, 1000);`;
    const test = start(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(test.stdout ?? test, 'data');
    test.kill('SIGKILL');
    while (existsSync(folder)) await delay(20);
  });

  it('a removed host leaves neither a link nor a file of its own', async () => {
    await world.addHost('gone');
    await world.berth(['host', 'connect', 'gone']);
    const { pid } = await linkOf('gone');
    await world.berth(['host', 'rm', 'gone', '--purge', '--yes']);
    assert.ok(!existsSync(`/proc/${pid}/exe`));
    const left = (await readdir(world.folder, { recursive: true })).filter((path) => path.includes('gone'));
    assert.deepEqual(left, []);
  });
});
