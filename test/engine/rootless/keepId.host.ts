import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { run } from '../../../engine/host/process.ts';
import { TestEngine, bundle } from '../../support/engine.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';
import { tarball } from '../../support/tarball.ts';

const APPLETS = ['sh', 'cat', 'chown', 'cp', 'echo', 'grep', 'id', 'ln', 'ls', 'mkdir', 'rm', 'sleep', 'stat', 'tar', 'touch', 'tr', 'true', 'tty'];
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
const SEEN = '/ 0:0 755 1\n/etc/passwd 0:0 644 1\n/home/dev 1000:1000 755 2\nlow 500:600 644 1\nhigh 2000:2001 644 1\nsetuid 0:0 4755 2\nlink 0:0 4755 2\ngiver/chown 0:0 755 1\nold/new 0:0 644 1\ngiver\nhigh\nlink\nlow\nmail\nold\nsetuid\n';

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
    const look = 'stat -c "%n %u:%g" /etc/hosts /etc/hostname /etc/resolv.conf /dev /dev/shm /new /new/place; echo x > /dev/shm/x; stat -c %u /dev/shm/x';
    assert.equal(await berth('run', '--rm', KEEP, '-w', '/new/place', '--ipc', 'shareable', 'dev', 'sh', '-c', look), '/etc/hosts 0:0\n/etc/hostname 0:0\n/etc/resolv.conf 0:0\n/dev 0:0\n/dev/shm 0:0\n/new 0:0\n/new/place 0:0\n1000\n');
    const { stdout } = await engine.berth(['run', '-d', '-t', '--name', 'tty', KEEP, 'dev', 'sh', '-c', 'stat -c %u:%G $(tty)']);
    await docker('wait', stdout.trim());
    assert.equal(await docker('logs', 'tty'), '1000:tty\r\n');
    await docker('rm', 'tty');
    assert.equal(await berth('run', '--rm', KEEP, '-u', '0', '--network', 'host', '--privileged', 'dev', 'sh', '-c', 'id -u; cat /proc/self/uid_map | tr -s " "'), `0\n 0 1 1000\n 1000 0 1\n 1001 1001 64536\n`);
  });

  it('gives its own ids back to diff, commit, export and cp in both directions, whether it runs or not', async () => {
    await berth('run', '-d', '--name', 'kept', KEEP, 'dev', 'sh', '-c', 'cd; echo 1 > mine; exec sleep 1000');
    await docker('exec', '-u', '0', 'kept', 'sh', '-c', 'cd /srv; touch roots others; chown 500:2001 others; rm -r low old; mkdir old; touch giver/chown');
    await docker('exec', 'kept', 'sh', '-c', 'cd; while ! stat mine > /dev/null; do sleep 0.1; done');
    const copies = async (name: string): Promise<void> => {
      await engine.docker(['cp', '-a', '-', `kept:/home/dev`], { input: tarball([{ path: `${name}/deep`, uid: 1000, gid: 1000 }, { path: name, uid: 500, gid: 600, type: 'directory' }]) });
      const lines = (await user.run('sh', ['-c', `docker cp kept:/home/dev - | tar --numeric-owner -tv`], { env: engine.env })).stdout.split('\n');
      assert.deepEqual(lines.map((line) => [/\d+\/\d+/.exec(line)?.[0], line.split(' ').at(-1)].join(' ')).filter((line) => line.includes(name) || line.includes('mine')).sort(), ['1000/1000 dev/mine', `1000/1000 dev/${name}/deep`, `500/600 dev/${name}/`].sort());
    };
    await copies('running');
    const look = 'cd /srv; stat -c "%n %u:%g" /home/dev/mine roots others old; ls; ls old';
    const seen = '/home/dev/mine 1000:1000\nroots 0:0\nothers 500:2001\nold 0:0\ngiver\nhigh\nlink\nmail\nold\nothers\nroots\nsetuid\n';
    assert.equal(await docker('exec', 'kept', 'sh', '-c', look), seen);
    assert.deepEqual((await docker('diff', 'kept')).trim().split('\n').filter((line) => line.includes('/srv')).sort(), ['A /srv/others', 'A /srv/roots', 'C /srv', 'C /srv/giver', 'C /srv/giver/chown', 'C /srv/old', 'D /srv/low', 'D /srv/old/new']);
    await docker('commit', 'kept', 'committed');
    await docker('stop', '-t', '0', 'kept');
    await copies('stopped');
    for (const args of [['-u', '0'], ['-u', '0', KEEP]]) assert.equal(await berth('run', '--rm', ...args, 'committed', 'sh', '-c', look), seen);
    assert.equal(await berth('run', '--rm', KEEP, 'committed', 'sh', '-c', '/srv/giver/chown 7:8 /home/dev/mine; stat -c %u:%g /home/dev/mine'), '7:8\n');
    const exported = (await user.run('sh', ['-c', 'docker export kept | tar --numeric-owner -tv'], { env: engine.env })).stdout;
    for (const line of [/1000\/1000 .* home\/dev\/mine$/m, /0\/0 .* srv\/roots$/m, /500\/2001 .* srv\/others$/m, /2000\/2001 .* srv\/high$/m]) assert.match(exported, line);
    await docker('rm', 'kept');
  });

  it('fills volumes from the image with its owners, and gives them to containers with other ids, and to archives, with the same', async () => {
    const look = 'stat -c "%n %u:%g" /v /v/* | tr "\\n" " "';
    const seen = '/v 1000:1000 /v/letter 500:2001 /v/made 1000:1000 ';
    assert.equal(await berth('run', '--rm', KEEP, '-v', 'mail:/srv/mail', '-v', 'fresh:/fresh', 'dev', 'sh', '-c', `touch /srv/mail/made; stat -c "%u:%g" /fresh`), '0:0\n');
    for (const args of [[], [KEEP], ['--userns=keep-id:uid=500,gid=5'], []]) assert.equal(await berth('run', '--rm', '-u', '0', ...args, '-v', 'mail:/v', 'dev', 'sh', '-c', look), seen);
    await berth('run', '--rm', KEEP, '-v', 'mail:/v', 'dev', 'true');
    await berth('volume', 'export', '-o', join(work, 'mail.tar'), 'mail');
    const listed = (await user.run('tar', ['--numeric-owner', '-tvf', join(work, 'mail.tar')])).stdout;
    assert.deepEqual(listed.match(/\d+\/\d+/g)?.sort(), ['1000/1000', '1000/1000', '500/2001']);
    await berth('volume', 'import', '--replace', 'mail', join(work, 'mail.tar'));
    await berth('run', '-d', '--name', 'holder', KEEP, '-v', 'mail:/v', 'dev', 'sleep', '1000');
    assert.equal(await docker('exec', 'holder', 'sh', '-c', look), seen);
    assert.match((await engine.docker(['run', '--rm', '-v', 'mail:/v', 'dev', 'true'])).stderr, /volume mail is used by a container that runs with other ids/);
    await docker('rm', '-f', 'holder');
  });

  it('shares a volume with one that has other ids and starts at the same instant: to one of them everything belongs to whom it belongs, and neither loses anything', async () => {
    const names = ['one', 'two'];
    await berth('run', '--rm', KEEP, '-v', 'raced:/srv/mail', 'dev', 'true');
    const make = async (name: string, map: string): Promise<string> => (await engine.berth(['create', '--name', name, map, '-u', '0', '-v', 'raced:/v', 'dev', 'sleep', '1000'])).stderr;
    assert.doesNotMatch(await make('one', KEEP), /volume raced/);
    assert.match(await make('two', '--userns=keep-id:uid=500,gid=5'), /volume raced is also the container one's, which has other ids/);
    const both = (...command: string[]): Promise<string[]> => Promise.all(names.map((name) => docker('exec', name, ...command)));
    const made: string[] = [];
    for (let round = 0; round < 4; round++) {
      await Promise.all((round % 2 === 0 ? names : names.toReversed()).map((name) => docker('start', name)));
      await Promise.all(names.map((name) => docker('exec', name, 'touch', `/v/${name}${round}`)));
      made.push(...names.map((name) => `${name}${round}`));
      const owners = await both('stat', '-c', '%u:%g', '/v/letter');
      assert.equal(owners.filter((owner) => owner === '500:2001\n').length, 1, owners.join());
      for (const listed of await both('ls', '/v')) assert.deepEqual(listed.trim().split('\n'), ['letter', ...made].sort());
      await docker('stop', '-t', '0', ...names);
    }
    for (const name of names) {
      await docker('start', name);
      assert.equal(await docker('exec', name, 'stat', '-c', '%u:%g', '/v/letter'), '500:2001\n');
      await docker('rm', '-f', name);
    }
  });

  it('mounts what is behind a folder that only you and a group without an id here may enter', async () => {
    await user.run('mkdir', ['-p', join(work, 'closed/project/below')]);
    await run('chown', [`${user.uid}:games`, join(work, 'closed')]);
    await user.run('chmod', ['710', join(work, 'closed')]);
    assert.equal(await berth('run', '--rm', KEEP, '-v', `${work}/closed/project:/p`, 'dev', 'sh', '-c', 'cd /p; touch x; stat -c %u:%g . x below'), '1000:1000\n'.repeat(3));
  });

  it('is shared with the containers that join it', async () => {
    await berth('run', '-d', '--name', 'first', KEEP, 'dev', 'sleep', '1000');
    assert.match(await docker('run', '--rm', '--network', 'container:first', '--pid', 'container:first', 'dev', 'sh', '-c', 'id -u; stat -c %u:%g /proc/1 /etc/passwd; cat /proc/self/uid_map'), /^0\n1000:1000\n0:0\n\s+0\s+1\s+1000\n/);
    assert.match(await docker('top', 'first', '-eo', 'uid,pid,comm'), /^UID +PID +COMMAND\n1000 +\d+ +sleep\n$/);
    await docker('rm', '-f', 'first');
    await docker('run', '-d', '--name', 'first', 'dev', 'sleep', '1000');
    assert.match((await engine.berth(['run', '--rm', KEEP, '--network', 'container:first', 'dev', 'true'], { okStatus: [125] })).stderr, /is in the same user namespace: leave --userns out/);
    await docker('rm', '-f', 'first');
  });

  it('stays as it is when the engine is killed, and starts again so', async () => {
    await berth('run', '-d', '--name', 'on', KEEP, '-v', `${work}/shared:/s`, 'dev', 'sh', '-c', 'sleep 1000');
    await engine.kill();
    await berth('engine', 'start');
    const look = ['exec', 'on', 'sh', '-c', 'id -u; touch /s/later; stat -c %u /s/later /srv/low /home/dev'];
    assert.equal(await docker(...look), '1000\n1000\n500\n1000\n');
    await docker('restart', '-t', '0', 'on');
    assert.equal(await docker(...look), '1000\n1000\n500\n1000\n');
    assert.equal(await ownerOf('shared/later'), yours());
    assert.match(await berth('system', 'check'), /All is in order\.$/m);
    await docker('rm', '-f', 'on');
  });

  it('stands on copies of the layers that count as used disk, go with a prune, and are made again', async () => {
    const size = async (): Promise<number> => (await engine.client.json('GET', '/system/df?type=image', z.looseObject({ LayersSize: z.number() }))).LayersSize;
    await berth('create', '--name', 'stands', KEEP, 'dev', 'id', '-u');
    await docker('start', '-a', 'stands');
    await docker('image', 'prune', '-f');
    const before = await size();
    await docker('rm', 'stands');
    const between = await size();
    assert.equal(between, before);
    await docker('image', 'prune', '-f');
    assert.ok((await size()) < before);
    assert.equal(await berth('run', '--rm', KEEP, 'dev', 'id', '-u'), '1000\n');
  });

  it('is what a dev container is whose remoteUser is not root: hooks, editors and you write the same files', async () => {
    const folder = join(work, 'project');
    await user.run('mkdir', [folder]);
    await docker('image', 'prune', '-f');
    await user.run('sh', ['-c', 'echo "$1" > .devcontainer.json; echo given > given', 'sh', JSON.stringify({ image: 'dev', remoteUser: 'dev', postCreateCommand: 'id -un > made; echo more >> given; stat -c %U . given >> made' })], { cwd: folder });
    const up = await engine.berth(['up', folder]);
    assert.match(up.stderr, /Copying the layers of dev for user 1000, once/);
    assert.doesNotMatch(up.stderr, /idmapped/);
    const { containerId, remoteUser } = JSON.parse(up.stdout.trim().split('\n').at(-1) ?? '') as { containerId: string; remoteUser: string };
    assert.equal(remoteUser, 'dev');
    assert.equal(await readFile(join(folder, 'made'), 'utf8'), 'dev\ndev\ndev\n');
    assert.deepEqual([await ownerOf('project/made'), await readFile(join(folder, 'given'), 'utf8')], [yours(), 'given\nmore\n']);
    await user.run('sh', ['-c', 'echo outside > outside'], { cwd: folder });
    assert.equal((await engine.berth(['exec', '--workspace-folder', folder, 'stat', '-c', '%u:%g', 'outside'])).stdout, '1000:1000\n');
    assert.equal(await docker('exec', containerId, 'sh', '-c', 'id -u; stat -c %u:%g /etc/passwd /srv/low'), '0\n0:0\n500:600\n');
    await berth('ssh-config');
    const ssh = ['-F', join(engine.root, 'ssh/berth/config'), '-o', 'BatchMode=yes'];
    assert.equal((await user.run('ssh', [...ssh, 'project.berth', 'id -un; touch by-ssh; pwd'], { env: engine.env })).stdout, 'dev\n/workspaces/project\n');
    const sftp = await user.run('sftp', [...ssh, '-b', '-', 'project.berth'], { env: engine.env, input: `put ${bundle} by-sftp\nls -ln by-sftp\nls -ln /srv/low\n` });
    assert.match(sftp.stdout, /1000 +1000 .*by-sftp\n(.*\n)*.* 500 +600 .*low/);
    assert.deepEqual([await ownerOf('project/by-ssh'), await ownerOf('project/by-sftp')], [yours(), yours()]);
    await berth('down', folder);
  });
});
