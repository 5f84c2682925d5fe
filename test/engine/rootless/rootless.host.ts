import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine, bundle, untilNothing } from '../../support/engine.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';
import { ask, endChild, serveIn } from '../../support/netnsServer.ts';
import { tarball } from '../../support/tarball.ts';

const IMAGE = 'debian:bookworm';
const SERVER = 'use IO::Socket; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5, ReuseAddr => 1) or die; while ($c = $s->accept) { print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello"; close $c }';

/** A question of one line by TCP or UDP, from a container. */
const ASK_6 = 'use IO::Socket::IP; $s = IO::Socket::IP->new(PeerHost => $ARGV[1], PeerPort => $ARGV[2], Proto => $ARGV[0], Type => $ARGV[0] eq "udp" ? SOCK_DGRAM : SOCK_STREAM, Timeout => 2) or print("no way"), exit; $ARGV[0] eq "udp" and $s->send("?"); alarm 2; $s->recv($a, 100); print $a';

async function page(url: string): Promise<string> {
  return fetch(url, { signal: AbortSignal.timeout(5000) }).then((response) => response.text(), () => '');
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await delay(30)) assert.ok(Date.now() < end, `not in time: ${what}`);
}

describe('the engine of an ordinary user', () => {
  let user: OrdinaryUser;
  let engine: TestEngine;

  before(async () => {
    user = await OrdinaryUser.create('rtlmany', { bundle, subIds: true });
    engine = await TestEngine.start({ instance: 'rtlmany', user });
    await engine.docker(['import', await baseTar(), IMAGE]);
  });
  after(async () => {
    await engine.remove();
    await user.remove();
  });

  const keeper = async (): Promise<{ process: { pid: number } }> => JSON.parse(await readFile(join(engine.runRoot, 'keepers/current.json'), 'utf8')) as { process: { pid: number } };

  it('serves on a socket that is the user’s alone, and says that it has no root', async () => {
    const info = await stat(join(engine.runRoot, 'berth.sock'));
    assert.deepEqual([info.uid, (info.mode & 0o777).toString(8)], [user.uid, '600']);
    assert.match((await engine.berth(['engine', 'status'])).stdout, /without root/);
    assert.match((await engine.docker(['info'])).stdout, /Security Options:\n.*\n.*\n?\s+rootless/);
  });

  it('makes root of a container the user, and every other id one of the user’s range', async () => {
    const shared = join(user.root, 'work', 'shared');
    await engine.docker(['run', '--rm', '-v', `${shared}:/shared`, IMAGE, 'sh', '-c', 'touch /shared/root && touch /shared/other && chown 1000:1000 /shared/other']);
    const [mine, other] = await Promise.all(['root', 'other'].map((name) => stat(join(shared, name))));
    assert.deepEqual([mine?.uid, other?.uid], [user.uid, user.firstId + 999]);
    assert.equal((await engine.docker(['run', '--rm', '-u', '1000', IMAGE, 'id', '-u'])).stdout, '1000\n');
  });

  it('publishes ports on the host, by IPv4, IPv6 and on one address, and takes them back', async () => {
    await engine.docker(['run', '-d', '--name', 'web', '-p', '28800:80', '-p', '127.0.0.1:28801:80', IMAGE, 'perl', '-e', SERVER]);
    await until('the page', async () => (await page('http://127.0.0.1:28800/')) === 'hello');
    assert.deepEqual(await Promise.all(['http://[::1]:28800/', 'http://127.0.0.1:28801/', 'http://[::1]:28801/'].map(page)), ['hello', 'hello', '']);
    const taken = await engine.docker(['run', '--rm', '-p', '28800:80', IMAGE, 'true'], { okStatus: 'any' });
    assert.match(taken.stderr, /Bind for 0\.0\.0\.0:28800 failed: port is already allocated/);
    await engine.docker(['rm', '-f', 'web']);
    assert.equal(await page('http://127.0.0.1:28800/'), '');
  });

  it('leads networks with IPv6 to the host’s IPv6, and not to the host’s own loopback', async () => {
    // "Outside": a machine beside the host, which knows the way to the host's own address alone.
    await run('ip', ['-batch', '-'], { input: 'netns add berth-rtlmany-out\nlink add rtlmanyo type veth peer name eth0 netns berth-rtlmany-out\naddr add fd77:235::1/64 dev rtlmanyo nodad\nlink set rtlmanyo up\n' });
    await run('ip', ['-n', 'berth-rtlmany-out', '-batch', '-'], { input: 'addr add fd77:235::2/64 dev eth0 nodad\nlink set eth0 up\n' });
    const servers = await Promise.all([serveIn('/run/netns/berth-rtlmany-out', 7000, 'outside'), serveIn('', 28806, 'loopback')]);
    try {
      assert.equal(await ask('tcp', '', '::1', 28806), 'loopback ::1');
      await engine.docker(['network', 'create', '--ipv6', 'six']);
      const said = async (type: string, host: string, port: number): Promise<string> => (await engine.docker(['run', '--rm', '--network', 'six', IMAGE, 'perl', '-e', ASK_6, type, host, String(port)])).stdout;
      assert.deepEqual(await Promise.all([said('tcp', 'fd77:235::2', 7000), said('udp', 'fd77:235::2', 7000)]), ['outside fd77:235::1', 'outside fd77:235::1']);
      const loopbacks = await Promise.all(['fd00::2', 'fd00::64', 'fe80::2', '::1'].map((address) => said('tcp', address, 28806)));
      assert.deepEqual(loopbacks.filter((one) => one.includes('loopback')), []);
      const lacks = await engine.docker(['run', '--rm', IMAGE, 'perl', '-e', ASK_6, 'tcp', 'fd77:235::2', '7000']);
      assert.equal(lacks.stdout, 'no way', 'a container of a network without IPv6');
    } finally {
      await Promise.all(servers.map(endChild));
      await engine.docker(['network', 'rm', 'six'], { okStatus: 'any' });
      await run('ip', ['netns', 'del', 'berth-rtlmany-out']);
    }
  });

  it('says that a port below 1024 needs root, and leaves nothing of the container', async () => {
    const { status, stderr } = await engine.docker(['run', '--rm', '-p', '127.0.0.1:801:80', IMAGE, 'true'], { okStatus: 'any' });
    assert.equal(status, 125);
    assert.match(stderr, /Cannot publish 127\.0\.0\.1:801 on this host: ports below .* need root/);
    assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
  });

  it('answers limits that it cannot keep with a warning, and what cannot be done without control groups with the reason', async () => {
    const made = await engine.docker(['run', '-d', '--name', 'limited', '-m', '64m', '--cpus', '0.5', IMAGE, 'sleep', '60']);
    assert.match(made.stderr, /--memory, --cpus had no effect/);
    assert.match((await engine.docker(['pause', 'limited'], { okStatus: 'any' })).stderr, /may not use control groups/);
    assert.match((await engine.docker(['update', '--memory', '32m', '--memory-swap', '32m', 'limited'], { okStatus: 'any' })).stderr, /may not use control groups/);
    assert.match((await engine.docker(['top', 'limited'])).stdout, /sleep 60/);
    assert.match((await engine.docker(['stats', '--no-stream', '--format', '{{.PIDs}} {{.MemUsage}}', 'limited'])).stdout, /^1 [\d.]+[KM]iB/);
    await engine.docker(['rm', '-f', 'limited']);
  });

  it('builds, saves and loads layers that take files and whole folders of lower layers away', async () => {
    const context = join(user.root, 'work', 'context');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), `FROM ${IMAGE}\nRUN mkdir -p /d/old && touch /d/old/x && useradd dev && chown -R dev /d\nRUN rm -r /d/old && mkdir /d/old && touch /d/old/new && rm /etc/debian_version\nUSER dev\nCOPY --chown=dev Dockerfile /d/mine\nRUN touch /d/made\n`);
    await engine.docker(['build', '-t', 'built', context]);
    const look = ['run', '--rm', 'built', 'sh', '-c', 'cd /d && find . | sort && stat -c %U made mine && ls /etc/debian_version'];
    const seen = await engine.docker(look, { okStatus: [2] });
    assert.equal(seen.stdout, '.\n./made\n./mine\n./old\n./old/new\ndev\ndev\n');
    const { stdout: id } = await engine.docker(['inspect', '-f', '{{.Id}}', 'built']);
    await engine.docker(['save', '-o', join(engine.root, 'built.tar'), 'built']);
    await engine.docker(['rmi', '-f', 'built']);
    await engine.docker(['load', '-i', join(engine.root, 'built.tar')]);
    assert.equal((await engine.docker(['inspect', '-f', '{{.Id}}', 'built'])).stdout, id);
    assert.equal((await engine.docker(look, { okStatus: [2] })).stdout, seen.stdout);
    await engine.docker(['rmi', '-f', 'built']);
  });

  it('leaves device nodes of an image out, and refuses owners for whom the user has no id', async () => {
    const device = { path: 'dev/disk', type: 'block' as const, deviceMajor: 8, deviceMinor: 0 };
    const import_ = (members: Parameters<typeof tarball>[0]): ReturnType<TestEngine['docker']> => engine.docker(['import', '-', 'devices'], { input: tarball(members), okStatus: 'any' });
    assert.equal((await import_([device, { path: 'dev/again', type: 'hardlink', linkPath: 'dev/disk' }, { path: 'file', content: 'x' }])).status, 0);
    await engine.docker(['rmi', 'devices']);
    assert.match((await import_([{ path: 'file', content: 'x', uid: 100_000 }])).stderr, /file cannot belong to 100000:0 here/);
  });

  it('gives volumes what the image has, keeps them, and removes them with files of other ids', async () => {
    await engine.docker(['run', '--rm', '-v', 'kept:/var/mail', IMAGE, 'sh', '-c', 'stat -c %G /var/mail; touch /var/mail/letter; chown 1000 /var/mail/letter']);
    assert.equal((await engine.docker(['run', '--rm', '-v', 'kept:/v', IMAGE, 'stat', '-c', '%u', '/v/letter'])).stdout, '1000\n');
    await engine.docker(['volume', 'rm', 'kept']);
  });

  it('lets containers, their ports and their logs go on when it is killed, and takes them over again in the same namespaces', async () => {
    await engine.docker(['run', '-d', '--name', 'on', '-p', '28802:80', IMAGE, 'perl', '-e', `$| = 1; print "up\\n"; ${SERVER}`]);
    await until('the page', async () => (await page('http://127.0.0.1:28802/')) === 'hello');
    const before = await keeper();
    await engine.kill();
    assert.equal(await page('http://127.0.0.1:28802/'), 'hello');
    await engine.berth(['engine', 'start']);
    assert.deepEqual(await keeper(), before);
    assert.equal((await engine.docker(['exec', 'on', 'echo', 'here'])).stdout, 'here\n');
    assert.equal((await engine.docker(['logs', 'on'])).stdout, 'up\n');
    await engine.docker(['run', '--rm', IMAGE, 'true']);
    await engine.docker(['stop', '-t', '0', 'on']);
    assert.equal(await page('http://127.0.0.1:28802/'), '');
    await engine.docker(['rm', 'on']);
  });

  it('forwards the ports of a dev container to the host itself, also after it was killed, and lets go of them', async () => {
    const folder = join(user.root, 'work', 'project');
    await mkdir(folder);
    await writeFile(join(folder, '.devcontainer.json'), JSON.stringify({ image: IMAGE, remoteUser: 'root', forwardPorts: [28204] }));
    const { containerId } = JSON.parse((await engine.berth(['up', folder])).stdout.trim().split('\n').at(-1) ?? '') as { containerId: string };
    await engine.docker(['exec', '-d', containerId, 'perl', '-e', SERVER.replace('LocalPort => 80', 'LocalAddr => "127.0.0.1:28204"')]);
    await until('the page', async () => (await page('http://127.0.0.1:28204/')) === 'hello');
    await engine.kill();
    await engine.berth(['engine', 'start']);
    await until('the page of the next engine', async () => (await page('http://127.0.0.1:28204/')) === 'hello');
    await engine.docker(['run', '--rm', '-p', '127.0.0.1:28205:80', IMAGE, 'true']);
    await engine.berth(['down', folder]);
    await engine.docker(['run', '--rm', '-p', '127.0.0.1:28204:80', IMAGE, 'true']);
  });

  it('starts once when several commands ask for it at the same time', async () => {
    await engine.berth(['engine', 'stop']);
    const answers = await Promise.all(Array.from({ length: 3 }, () => engine.berth(['engine', 'start'])));
    assert.equal(new Set(answers.map(({ stdout }) => /pid (\d+)/.exec(stdout)?.[1])).size, 1);
    assert.equal((await readdir(join(engine.runRoot, 'keepers'))).length, 3);
  });

  it('leaves with its last container: nothing of the user runs any more, though no engine was there to see the end', async () => {
    const door = join(user.root, 'work', 'door');
    await mkdir(door);
    await engine.docker(['run', '-d', '--name', 'last', '-v', `${door}:/door`, IMAGE, 'sh', '-c', 'while [ ! -e /door/shut ]; do sleep 0.05; done; exit 4']);
    await engine.docker(['exec', 'last', 'true']);
    await engine.berth(['engine', 'stop']);
    assert.ok((await user.processes()).some((line) => line.includes('conmon')));
    await writeFile(join(door, 'shut'), '');
    assert.deepEqual(await untilNothing(() => user.processes()), []);
    assert.match((await engine.berth(['ps', '-a'])).stdout, /Exited \(4\)/);
    await engine.docker(['rm', 'last']);
  });

  it('recovers when the keeper of its namespaces is killed: what ran there is recorded as ended, and restarted where that was asked for', async () => {
    await engine.docker(['run', '-d', '--name', 'lost', IMAGE, 'sleep', '600']);
    await engine.docker(['run', '-d', '--name', 'wanted', '--restart', 'always', '-p', '28803:80', IMAGE, 'perl', '-e', SERVER]);
    const pid = await engine.pid();
    process.kill((await keeper()).process.pid, 'SIGKILL');
    await until('the engine leaves', async () => !(await user.processes()).some((line) => line.startsWith(`process ${pid} `)));
    await engine.berth(['engine', 'start']);
    assert.equal((await engine.docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'lost'])).stdout, 'exited 255\n');
    await until('the page', async () => (await page('http://127.0.0.1:28803/')) === 'hello');
    await engine.docker(['rm', '-f', 'lost', 'wanted']);
  });

  it('lets the user remove all its data, files of other ids too, once nothing runs', async () => {
    await engine.docker(['run', '-d', '--name', 'busy', IMAGE, 'sleep', '600']);
    assert.match((await engine.berth(['engine', 'reset', '--yes'], { okStatus: [1] })).stderr, /RESET_CONTAINERS_RUN/);
    await engine.docker(['rm', '-f', 'busy']);
    await engine.berth(['engine', 'reset', '--yes']);
    await assert.rejects(stat(engine.dataRoot), { code: 'ENOENT' });
    assert.deepEqual(await untilNothing(() => user.processes()), []);
    await engine.berth(['engine', 'start']);
  });
});

describe('the engine of a user with one id only', () => {
  let user: OrdinaryUser;
  let engine: TestEngine;

  before(async () => {
    user = await OrdinaryUser.create('rtlone', { bundle, subIds: false });
    engine = await TestEngine.start({ instance: 'rtlone', user });
    await engine.docker(['import', await baseTar(), IMAGE]);
  });
  after(async () => {
    await engine.remove();
    await user.remove();
  });

  it('says what will not work', async () => {
    assert.match((await engine.docker(['info'])).stderr, /Only one user id is mapped/);
  });

  it('runs containers and builds whose files are all root’s', async () => {
    const context = join(user.root, 'work', 'context');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), `FROM ${IMAGE}\nRUN echo made > /made\nCOPY --chown=33:33 Dockerfile /copied\n`);
    await engine.docker(['build', '-t', 'built', context]);
    assert.equal((await engine.docker(['run', '--rm', 'built', 'sh', '-c', 'cat /made; stat -c %u /copied; find /var /etc ! -user 0'])).stdout, 'made\n0\n');
    assert.match((await engine.docker(['run', '--rm', '-u', '1000', IMAGE, 'true'], { okStatus: 'any' })).stderr, /1000/);
  });

  it('says of a dev container whose remoteUser is not root that it cannot write your files, and what would let it', async () => {
    const folder = join(user.root, 'work', 'project');
    await user.run('mkdir', [folder]);
    await writeFile(join(folder, '.devcontainer.json'), JSON.stringify({ image: IMAGE, remoteUser: 'games' }));
    assert.match((await engine.berth(['up', folder])).stderr, /your files belong to root of the container.*usermod --add-subuids.*"remoteUser": "root"/);
    await engine.berth(['down', folder]);
    assert.match((await engine.berth(['run', '--rm', '--userns=keep-id', IMAGE, 'true'], { okStatus: [125] })).stderr, /KEEP_ID_IMPOSSIBLE/);
  });

  it('gives a terminal although the map has no group of terminals', async () => {
    assert.match((await engine.docker(['run', '--rm', '-t', IMAGE, 'tty'])).stdout, /\/dev\/pts\/0/);
  });
});
