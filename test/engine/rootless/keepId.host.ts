import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestEngine, bundle } from '../../support/engine.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';
import { tarball } from '../../support/tarball.ts';

const APPLETS = ['sh', 'cat', 'chown', 'cp', 'echo', 'grep', 'id', 'ln', 'ls', 'mkdir', 'rm', 'sleep', 'stat', 'tar', 'touch', 'tr', 'tty'];
const ACCOUNTS = { 'etc/passwd': 'root:x:0:0::/root:/bin/sh\nlow:x:500:600::/:/bin/sh\ndev:x:1000:1000::/home/dev:/bin/sh\n', 'etc/group': 'root:x:0:\ntty:x:5:\nlow:x:600:\ndev:x:1000:\n' };
/** What setcap writes for cap_chown+ep. */
const CAP_CHOWN = '\x01\0\0\x02\x01' + '\0'.repeat(15);

/** Owners below and above the user, a hard link, set-user-ID, a capability; what the next layer takes away. */
async function imageTar(): Promise<Buffer> {
  const busybox = await readFile('/bin/busybox');
  const folder = (path: string, owner = 0): Parameters<typeof tarball>[0][number] => ({ path, type: 'directory', uid: owner, gid: owner });
  const links = APPLETS.map((name) => ({ path: `bin/${name}`, type: 'symlink' as const, linkPath: 'busybox' }));
  return tarball([
    ...[folder('bin/'), folder('etc/'), folder('tmp/'), folder('root/'), folder('home/'), folder('home/dev/', 1000), folder('srv/'), folder('srv/old/'), folder('srv/mail/', 1000)],
    ...[{ path: 'bin/busybox', mode: 0o755, content: busybox }, ...links, ...Object.entries(ACCOUNTS).map(([path, content]) => ({ path, content }))],
    ...[{ path: 'srv/mail/letter', uid: 500, gid: 2001 }, { path: 'srv/low', uid: 500, gid: 600 }, { path: 'srv/high', uid: 2000, gid: 2001 }, { path: 'srv/gone' }, { path: 'srv/old/gone' }],
    ...[{ path: 'srv/setuid', mode: 0o4755 }, { path: 'srv/link', type: 'hardlink' as const, linkPath: 'srv/setuid' }, { path: 'srv/giver/chown', mode: 0o755, content: busybox, xattrs: { 'security.capability': CAP_CHOWN } }],
  ]);
}

const KEEP = '--userns=keep-id:uid=1000,gid=1000';
const LOOK = 'cd /srv && stat -c "%n %u:%g %a %h" / /etc/passwd /home/dev low high setuid link giver/chown old/* && ls';
const SEEN = '/ 0:0 755 1\n/etc/passwd 0:0 644 1\n/home/dev 1000:1000 755 1\nlow 500:600 644 1\nhigh 2000:2001 644 1\nsetuid 0:0 4755 2\nlink 0:0 4755 2\ngiver/chown 0:0 755 1\nold/new 0:0 644 1\ngiver\nhigh\nlink\nlow\nmail\nold\nsetuid\n';

describe('a container in which an ordinary user is somebody else', () => {
  let user: OrdinaryUser;
  let engine: TestEngine;
  let work: string;

  before(async () => {
    user = await OrdinaryUser.create('keepidmany', { bundle, subIds: true });
    engine = await TestEngine.start({ instance: 'keepid', user });
    work = join(user.root, 'work');
    await engine.docker(['import', '-', 'base'], { input: await imageTar() });
    await engine.docker(['build', '-q', '-t', 'dev', '-'], { input: 'FROM base\nRUN rm -r /srv/old /srv/gone && mkdir /srv/old && touch /srv/old/new\n' });
  });
  after(async () => {
    await engine.remove();
    await user.remove();
  });

  const berth = async (...args: string[]): Promise<string> => (await engine.berth(args)).stdout;
  const docker = async (...args: string[]): Promise<string> => (await engine.docker(args)).stdout;
  const ownerOf = async (path: string): Promise<string> => stat(join(work, path)).then(({ uid, gid }) => `${uid}:${gid}`);
  const yours = (): string => `${user.uid}:${user.uid}`;

  it('runs as that user, who owns what is yours, and makes files that are yours', async () => {
    await user.run('mkdir', [join(work, 'shared')]);
    await user.run('touch', [join(work, 'shared/mine')]);
    assert.equal(await berth('run', '--rm', KEEP, '-v', `${work}/shared:/s`, 'dev', 'sh', '-c', 'id -u; id -g; cd /s; stat -c %u:%g . mine; touch made; stat -c %u:%g made'), '1000\n1000\n1000:1000\n1000:1000\n1000:1000\n');
    assert.equal(await ownerOf('shared/made'), yours());
    assert.equal(await berth('run', '--rm', '--userns=keep-id', 'dev', 'id', '-u'), `${user.uid}\n`);
    assert.match((await engine.berth(['run', '--rm', '--userns=keep-id:uid=70000', 'dev', 'true'], { okStatus: [125] })).stderr, /You cannot be 70000:.*KEEP_ID_IMPOSSIBLE/);
  });

  it('shows the image’s files with their owners, rights, links and capabilities, without those that a layer took away', async () => {
    assert.equal(await docker('run', '--rm', 'dev', 'sh', '-c', LOOK), SEEN);
    assert.equal(await berth('run', '--rm', KEEP, '-u', '0', 'dev', 'sh', '-c', LOOK), SEEN);
    assert.equal(await berth('run', '--rm', KEEP, 'dev', 'sh', '-c', 'cd; touch f; /srv/giver/chown 7:8 f; stat -c %u:%g f'), '7:8\n');
  });

  it('has files of the system, memory to share, terminals and a new working folder as any container has them', async () => {
    const look = 'stat -c "%n %u:%g" /etc/hosts /etc/hostname /etc/resolv.conf /dev /dev/shm /sys /new /new/place; echo x > /dev/shm/x; stat -c %u /dev/shm/x';
    assert.equal(await berth('run', '--rm', KEEP, '-w', '/new/place', '--ipc', 'shareable', 'dev', 'sh', '-c', look), '/etc/hosts 0:0\n/etc/hostname 0:0\n/etc/resolv.conf 0:0\n/dev 0:0\n/dev/shm 0:0\n/sys 0:0\n/new 0:0\n/new/place 0:0\n1000\n');
    const { stdout } = await engine.berth(['run', '-d', '-t', '--name', 'tty', KEEP, 'dev', 'sh', '-c', 'stat -c %u:%G $(tty)']);
    await docker('wait', stdout.trim());
    assert.equal(await docker('logs', 'tty'), '1000:tty\r\n');
    assert.equal(await berth('run', '--rm', KEEP, '-u', '0', '--network', 'host', '--privileged', 'dev', 'sh', '-c', 'id -u; cat /proc/self/uid_map | tr -s " "'), `0\n 0 1 1000\n 1000 0 1\n 1001 1001 64536\n`);
  });

  it('gives its own ids back to diff, commit, export and cp in both directions, whether it runs or not', async () => {
    await berth('run', '-d', '--name', 'kept', KEEP, 'dev', 'sh', '-c', 'cd; echo 1 > mine; exec sleep 1000');
    await docker('exec', '-u', '0', 'kept', 'sh', '-c', 'cd /srv; touch roots others; chown 500:2001 others; rm -r low old; mkdir old; cp -p giver/chown again');
    await docker('exec', 'kept', 'sh', '-c', 'cd; while ! stat mine > /dev/null; do sleep 0.1; done');
    const copies = async (name: string): Promise<void> => {
      await engine.docker(['cp', '-a', '-', `kept:/home/dev`], { input: tarball([{ path: `${name}/deep`, uid: 1000, gid: 1000 }, { path: name, uid: 500, gid: 600, type: 'directory' }]) });
      const lines = (await user.run('sh', ['-c', `docker cp kept:/home/dev - | tar --numeric-owner -tv`], { env: engine.env })).stdout.split('\n');
      assert.deepEqual(lines.map((line) => [/\d+\/\d+/.exec(line)?.[0], line.split(' ').at(-1)].join(' ')).filter((line) => line.includes(name) || line.includes('mine')).sort(), ['1000/1000 dev/mine', `1000/1000 dev/${name}/deep`, `500/600 dev/${name}/`].sort());
    };
    await copies('running');
    const look = 'cd /srv; stat -c "%n %u:%g" /home/dev/mine roots others again old; ls; ls old';
    const seen = '/home/dev/mine 1000:1000\nroots 0:0\nothers 500:2001\nagain 0:0\nold 0:0\nagain\ngiver\nhigh\nlink\nmail\nold\nothers\nroots\nsetuid\n';
    assert.equal(await docker('exec', 'kept', 'sh', '-c', look), seen);
    assert.deepEqual((await docker('diff', 'kept')).trim().split('\n').filter((line) => line.includes('/srv')).sort(), ['A /srv/again', 'A /srv/others', 'A /srv/roots', 'C /srv', 'C /srv/old', 'D /srv/low', 'D /srv/old/new']);
    await docker('commit', 'kept', 'committed');
    await docker('stop', '-t', '0', 'kept');
    await copies('stopped');
    for (const args of [['-u', '0'], ['-u', '0', KEEP]]) assert.equal(await berth('run', '--rm', ...args, 'committed', 'sh', '-c', look), seen);
    const exported = (await user.run('sh', ['-c', 'docker export kept | tar --numeric-owner -tv'], { env: engine.env })).stdout;
    for (const line of [/1000\/1000 .* home\/dev\/mine$/m, /0\/0 .* srv\/roots$/m, /500\/2001 .* srv\/others$/m, /2000\/2001 .* srv\/high$/m]) assert.match(exported, line);
    await docker('rm', 'kept');
  });
});
