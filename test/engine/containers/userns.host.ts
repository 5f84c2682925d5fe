import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from '../../../engine/host/process.ts';
import type { HostConfig } from '../../../engine/api/docker/container.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { mountsUnder } from '../../support/leftovers.ts';
import { tarball } from '../../support/tarball.ts';

const FIRST = 1_700_000;
const SIZE = 65_536;
const settings = { usernsPool: `${FIRST}:${3 * SIZE}` };

interface Inspect {
  readonly State: { Pid: number };
  readonly UserNamespace?: { First: number; Size: number };
  readonly HostConfig: { UsernsMode: string };
}

describe('containers with user namespaces of their own', function () {
  this.timeout(60_000);
  let world: ContainerWorld;
  const auto = { HostConfig: { UsernsMode: 'auto' } };
  before(async () => {
    world = await ContainerWorld.create('reuns', settings);
    await chmod(world.root, 0o711); // as /run and /var/lib are
    await chmod(join(world.root, 'data'), 0o700); // as the engine makes it
  });
  after(() => world.remove());
  const inspect = (ref: string): Inspect => world.containers.inspect(ref) as Inspect;
  const first = (ref: string): number => inspect(ref).UserNamespace?.First ?? 0;

  it('give each its own ids, which the host sees, and the image’s owners, which it sees itself', async () => {
    const [one, two] = [await world.start(['sleep', '1000'], auto), await world.start(['sleep', '1000'], auto)];
    assert.deepEqual([inspect(one).UserNamespace, inspect(two).UserNamespace], [{ First: FIRST, Size: SIZE }, { First: FIRST + SIZE, Size: SIZE }]);
    for (const [id, host] of [[one, FIRST], [two, FIRST + SIZE]] as const) {
      assert.match(await readFile(`/proc/${inspect(id).State.Pid}/status`, 'utf8'), new RegExp(`^Uid:\\t${host}\\t`, 'm'));
      const { stdout, stderr } = await world.exec(id, ['sh', '-c', 'id -u; cat /proc/self/uid_map; stat -c %u:%g / /etc/passwd /var/mail; find / -xdev -uid 65534 -o -xdev -gid 65534 | grep -v -e ^/proc$ -e ^/sys$; stat -c %U /etc/hosts; touch /etc/hosts /mine; echo >> /etc/hostname']);
      assert.deepEqual([stdout.replaceAll(/ +/g, ' '), stderr], [`0\n 0 ${host} ${SIZE}\n0:0\n0:0\n0:8\nroot\n`, '']);
    }
    await Promise.all([one, two].map((id) => world.containers.remove(id, { force: true })));
  });

  it('are as other containers are: network, names, limits, users, terminals, read-only paths, an end', async () => {
    const { stdout, exitCode } = await world.run('grep -c eth0 /proc/net/dev; hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ulimit -n; id; pwd; echo x > /dev/shm/x && echo shm; echo x > /tmp/x && stat -c %u /tmp/x; ls /dev | tr "\\n" " "; (echo 1 > /proc/sys/kernel/panic) 2>&1; grep CapEff /proc/self/status; exit 3', {
      Hostname: 'mapped', User: 'games:audio', WorkingDir: '/srv/new', HostConfig: { UsernsMode: 'auto', Memory: 64 * 1024 * 1024, PidsLimit: 50, Ulimits: [{ Name: 'nofile', Soft: 99, Hard: 99 }], Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/mine' }] },
    });
    assert.equal(exitCode, 3);
    assert.match(stdout, /^1\nmapped\n0\n99\nuid=5\(games\) gid=29\(audio\) groups=29\(audio\)\n\/srv\/new\nshm\n5\n.*\bmine\b.*\n?.*(denied|Read-only).*\nCapEff:\t0+\n$/);
    const { stdout: ping } = await world.run('stat -c %U /srv/new; perl -e \'use Socket; socket($s, AF_INET, SOCK_DGRAM, 1) ? print "may ping\\n" : print "$!\\n"\'; tty', { ...auto, Tty: true, WorkingDir: '/srv/new' });
    assert.equal(ping.replaceAll('\r', ''), 'root\nmay ping\n/dev/pts/0\n');
    await world.run('true', { HostConfig: { UsernsMode: 'auto', NetworkMode: 'none', ReadonlyRootfs: true, Tmpfs: { '/run': '' }, IpcMode: 'shareable', OomScoreAdj: 300, Init: true } });
  });

  it('keep a root that broke out from the host’s files and processes, and from each other’s', async () => {
    const secret = join(world.root, 'secret');
    await mkdir(secret, { mode: 0o755 });
    await writeFile(join(secret, 'key'), 'of the host', { mode: 0o600 });
    const read = 'cat /host/key; echo x > /host/planted; stat -c %U /host; kill -0 1 && echo own';
    const { stdout, stderr } = await world.run(read, { HostConfig: { UsernsMode: 'auto', Binds: [`${secret}:/host`] } });
    assert.equal(stdout, 'nobody\nown\n');
    assert.match(stderr, /key: Permission denied\n.*planted: Permission denied/);
    assert.equal((await world.run('cat /host/key', { HostConfig: { Binds: [`${secret}:/host`] } })).stdout, 'of the host'); // without, it would
  });

  it('share volumes whatever their ranges: on disk files belong to the ids that containers see', async () => {
    const write = await world.run('stat -c %g /v; touch /v/root /v/user; chown 1000:1001 /v/user; stat -c %u:%g /v/user', { HostConfig: { UsernsMode: 'auto', Binds: ['shared:/v', '/anonymous'] } });
    assert.deepEqual([write.stdout, write.stderr], ['0\n1000:1001\n', '']);
    const holder = await world.start(['sleep', '1000'], auto); // takes the range that the first one had
    const { stdout } = await world.run('stat -c %u:%g /v/root /v/user; echo more >> /v/user && rm /v/root && echo wrote', { HostConfig: { UsernsMode: 'auto', Binds: ['shared:/v'] } });
    assert.equal(stdout, '0:0\n1000:1001\nwrote\n');
    assert.equal((await world.run('stat -c %u:%g /v/user', { HostConfig: { Binds: ['shared:/v'] } })).stdout, '1000:1001\n');
    const filled = { UsernsMode: 'auto', Binds: ['filled:/var/mail'] };
    for (let count = 0; count < 2; count++) assert.equal((await world.run('stat -c %U:%G /var/mail', { HostConfig: filled })).stdout, 'root:mail\n');
    await world.containers.remove(holder, { force: true });
    for (const name of ['shared', 'filled']) await world.volumes.remove(name);
  });

  it('copy, export, diff and commit with the ids inside, running or not', async () => {
    const { id } = await world.containers.create({ Image: 'debian', Cmd: ['sh', '-c', 'install -o 1000 -g 1001 /etc/passwd /made; sleep 1000'], ...auto });
    const container = world.containers.find(id);
    const owners = async (): Promise<string> => (await world.exec(id, ['sh', '-c', 'until [ -e /made ]; do sleep 0.02; done; stat -c %u:%g /made /srv/in /srv/in/file'])).stdout;
    const send = async (): Promise<void> => world.containers.archive.write(container, '/srv', PassThrough.from([tarball([{ path: 'in/file', content: 'x', uid: 33, gid: 34 }])]));
    await send();
    await world.containers.start(id);
    assert.equal(await owners(), '1000:1001\n0:0\n33:34\n');
    await world.exec(id, ['rm', '-r', '/srv/in']);
    await send();
    assert.equal(await owners(), '1000:1001\n0:0\n33:34\n');
    const read = async (): Promise<string> => {
      const chunks: Buffer[] = [];
      await world.containers.archive.read(container, '/made', () => new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk)));
      return (await run('tar', ['-tv', '--numeric-owner'], { input: Buffer.concat(chunks) })).stdout.split(/\s+/)[1] ?? '';
    };
    assert.equal(await read(), '1000/1001');
    assert.deepEqual((await world.containers.files.changes(id)).map(({ path }) => path), ['/made', '/srv', '/srv/in', '/srv/in/file']);
    const exported: Buffer[] = [];
    await world.containers.files.export(id, () => new PassThrough().on('data', (chunk: Buffer) => exported.push(chunk)), new AbortController().signal);
    assert.ok(Buffer.concat(exported).includes(Buffer.from('0001750\x000001751\x00')), 'exported as 1000:1001');
    const image = await world.containers.files.commit(id, { name: 'mapped', changes: [], comment: '', author: '', pause: true, config: {} });
    await world.containers.stop(id, { timeout: 0 });
    assert.equal(await read(), '1000/1001');
    assert.equal((await world.run('stat -c %u:%g /made /srv/in/file', { Image: image.id })).stdout, '1000:1001\n33:34\n');
    await world.containers.start(id);
    assert.equal(await owners(), '1000:1001\n0:0\n33:34\n');
    await world.containers.remove(id, { force: true });
  });

  it('take copies into file systems in memory too, which are their own namespace’s, and give them out', async () => {
    const id = await world.start(['sh', '-c', 'mkdir /t/theirs && chown 1000:1000 /t/theirs && chmod 700 /t/theirs && ln -s /etc /t/away && sleep 1000'], { HostConfig: { UsernsMode: 'auto', Tmpfs: { '/t': 'mode=755' } } });
    const container = world.containers.find(id);
    await world.exec(id, ['sh', '-c', 'until [ -h /t/away ]; do sleep 0.02; done']);
    const send = async (path: string): Promise<void> => world.containers.archive.write(container, path, PassThrough.from([tarball([{ path: 'made', type: 'directory', uid: 7, gid: 8 }, { path: 'made/file', content: 'x', uid: 33, gid: 34 }, { path: 'made/link', type: 'symlink', linkPath: 'file' }, { path: 'made/hard', type: 'hardlink', linkPath: 'made/file' }, { path: 'deep/er/file', content: 'y' }])]));
    for (const path of ['/t', '/t/theirs', '/t/away']) await send(path);
    const { stdout } = await world.exec(id, ['sh', '-c', 'cd /t; stat -c "%u:%g %a %n" made made/file deep/er deep/er/file theirs/made/file /etc/made/file; readlink made/link; cat theirs/made/link theirs/made/hard; echo; stat -f -c %T /t/made']);
    assert.equal(stdout, '7:8 755 made\n33:34 644 made/file\n0:0 755 deep/er\n0:0 644 deep/er/file\n33:34 644 theirs/made/file\n33:34 644 /etc/made/file\nfile\nxx\ntmpfs\n');
    const chunks: Buffer[] = [];
    await world.containers.archive.read(container, '/t/made', () => new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk)));
    assert.match((await run('tar', ['-tv', '--numeric-owner'], { input: Buffer.concat(chunks) })).stdout, / 33\/34 .* made\/(file|hard)\n/);
    await world.containers.remove(id, { force: true });
  });

  it('take the user namespace of a container that they join', async () => {
    const id = await world.start(['sleep', '1000'], { HostConfig: { UsernsMode: 'auto', IpcMode: 'shareable' } }, 'joined');
    const look = 'ls /dev/shm/common; readlink /proc/self/ns/user; cat /proc/1/comm';
    await world.exec(id, ['touch', '/dev/shm/common']);
    const { stdout: own } = await world.exec(id, ['readlink', '/proc/self/ns/user']);
    for (const modes of [{ NetworkMode: 'container:joined', PidMode: 'container:joined', IpcMode: 'container:joined' }, { PidMode: 'container:joined', IpcMode: 'container:joined' }]) {
      assert.equal((await world.run(look, { HostConfig: modes })).stdout, `/dev/shm/common\n${own}sleep\n`);
    }
    await assert.rejects(world.containers.create({ Image: 'debian', HostConfig: { NetworkMode: 'container:joined', UsernsMode: 'host' } }), { code: 'INVALID_CONTAINER_CONFIG', status: 400 });
    await world.containers.remove(id, { force: true });
  });

  it('are refused what cannot be, and told when no ids are left, and one that is removed gives its back', async () => {
    const create = (HostConfig: HostConfig): Promise<{ id: string }> => world.containers.create({ Image: 'debian', Cmd: ['true'], HostConfig });
    for (const host of [{ Privileged: true }, { NetworkMode: 'host' }, { PidMode: 'host' }]) await assert.rejects(create({ UsernsMode: 'auto', ...host }), { code: 'INVALID_CONTAINER_CONFIG', status: 400 });
    for (const UsernsMode of ['nonsense', 'auto:size=0', 'container:x']) await assert.rejects(create({ UsernsMode }), { code: 'INVALID_CONTAINER_CONFIG', status: 400 });
    await assert.rejects(create({ UsernsMode: 'remap' }), { code: 'NO_ID_RANGE', status: 409 });
    const all = await Promise.all([1, 2, 3].map(() => create({ UsernsMode: 'private' })));
    assert.deepEqual(all.map(({ id }) => first(id)).sort(), [FIRST, FIRST + SIZE, FIRST + 2 * SIZE]);
    await assert.rejects(create({ UsernsMode: 'auto:size=1' }), { code: 'NO_ID_RANGE' });
    await world.containers.remove(all[1]?.id ?? '');
    const small = await create({ UsernsMode: 'auto:size=1000' });
    assert.deepEqual(inspect(small.id).UserNamespace?.Size, 1000);
    for (const { id } of [all[0], all[2], small].flatMap((one) => one ?? [])) await world.containers.remove(id);
  });

  it('leave nothing mounted when they end, and survive the engine', async () => {
    const before = (await mountsUnder(world.root)).length;
    const id = await world.start(['sh', '-c', 'echo up; sleep 1000'], { HostConfig: { UsernsMode: 'auto', Binds: ['kept:/v'] } }, 'on');
    await world.close();
    world = await ContainerWorld.open(world.root, world.instance, { settings });
    assert.equal((await world.exec(id, ['id', '-u'])).stdout, '0\n');
    const other = await world.start(['sleep', '1000'], auto);
    assert.notEqual(first(other), first(id)); // what is taken was not forgotten
    await world.containers.stop(id, { timeout: 0 });
    await world.containers.remove(other, { force: true });
    assert.equal((await mountsUnder(world.root)).length, before);
    assert.deepEqual(await readdir(join(world.root, 'run-roots')), []);
    assert.deepEqual(await readdir(world.containers.find(id).paths.upper), []);
    await world.containers.remove(id);
    await world.volumes.remove('kept');
  });

  it('have nothing to keep with keep-id, where the engine has root', async () => {
    for (const UsernsMode of ['keep-id', 'keep-id:uid=1000,gid=1000']) assert.match((await world.run('id -u; cat /proc/self/uid_map', { HostConfig: { UsernsMode } })).stdout, /^0\n +0 +0 +4294967295/);
  });

  it('share one range under userns-remap, which a container can decline', async () => {
    await world.close();
    world = await ContainerWorld.open(world.root, world.instance, { settings: { ...settings, usernsRemap: 'auto' } });
    const { stdout } = await world.run('cut -c-22 /proc/self/uid_map');
    assert.match(stdout, new RegExp(`^ +0 +${FIRST}`));
    assert.match((await world.run('cat /proc/self/uid_map', { HostConfig: { UsernsMode: 'host', Privileged: true } })).stdout, /^ +0 +0 +4294967295/);
    assert.equal((await stat(world.root)).uid, 0);
  });
});
