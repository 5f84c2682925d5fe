import assert from 'node:assert/strict';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { EndpointWorld } from '../../support/endpointWorld.ts';

describe('files through the SSH endpoint', () => {
  let world: EndpointWorld;
  let here: string;
  before(async function () {
    this.timeout(300_000); // its base image may have to be made first
    world = await EndpointWorld.start('endfil');
    here = join(world.dev.root, 'here');
    await mkdir(here);
    await writeFile(join(here, 'secret'), 'of the host\n', { mode: 0o644 });
  });
  after(() => world.remove());

  const sftp = async (...commands: string[]): Promise<string> => {
    const batch = join(here, 'batch');
    await writeFile(batch, `${commands.join('\n')}\n`);
    const { status, stdout, stderr } = await world.tool('sftp', ['-q', '-b', batch, world.alias], { cwd: here, okStatus: 'any' });
    return `${stdout.split('\n').filter((line) => !line.startsWith('sftp> ')).join('\n')}${stderr}${status === 0 ? '' : `status ${status}\n`}`;
  };
  const asUser = async (script: string): Promise<string> => world.dev.inside(world.folder, script);

  it('sftp: everything its commands do, as the remote user', async () => {
    await writeFile(join(here, 'file'), 'content\n');
    assert.equal(await sftp('put file /home/sailor/up', 'rename /home/sailor/up /home/sailor/renamed', 'chmod 640 /home/sailor/renamed', 'ln -s renamed /home/sailor/soft', 'ln /home/sailor/renamed /home/sailor/hard', 'mkdir /home/sailor/folder', 'get /home/sailor/soft back'), '');
    assert.equal(await readFile(join(here, 'back'), 'utf8'), 'content\n');
    assert.equal(await asUser('cd ~; stat -c "%n %U %a %h" renamed folder; readlink soft'), 'renamed sailor 640 2\nfolder sailor 755 1\nrenamed\n'.replace('755 1', `755 ${(await asUser('stat -c %h ~/folder')).trim()}`));
    assert.match(await sftp('pwd'), /Remote working directory: \/workspaces\/app/);
    assert.match(await sftp('ls -la /home/sailor'), /-rw-r----- +2 501 .*renamed/);
    assert.match(await sftp('df /home/sailor'), /Avail/);
    assert.match(await sftp('rename /home/sailor/renamed /home/sailor/soft', 'ls -1 /home/sailor/soft'), /\/home\/sailor\/soft/);
    assert.equal(await sftp('rm /home/sailor/hard', 'rm /home/sailor/soft', 'rmdir /home/sailor/folder'), '');
  });

  it('sftp: names that are no UTF-8, and many of them', async () => {
    await asUser(`mkdir ~/many && cd ~/many && for i in $(seq 300); do : > f$i; done; : > "$(printf 'caf\\351')"`);
    await mkdir(join(here, 'many'));
    assert.doesNotMatch(await sftp('get -r /home/sailor/many .'), /status/);
    assert.equal((await run('ls', ['-1', join(here, 'many')])).stdout.trim().split('\n').length, 301);
  });

  it('sftp: has the rights of the remote user, no more', async () => {
    await asUser('mkdir -m 700 ~/own; : > ~/own/f');
    assert.match(await sftp('get /etc/shadow x'), /Permission denied/);
    assert.match(await sftp('put file /etc/new'), /Permission denied/);
    assert.match(await sftp('chmod 777 /etc'), /Permission denied/);
    assert.equal(await sftp('get /home/sailor/own/f x'), '');
    const other = await world.tool('sftp', ['-q', '-b', join(here, 'batch'), `user@${world.alias}`], { cwd: here, okStatus: [1] });
    assert.match(other.stderr, /not found|Permission denied/, 'another user of the container cannot look into sailor’s folder');
  });

  it('sftp: no path leads out of the container, whatever links and mounts say', async () => {
    const outside = join(here, 'secret');
    await asUser(`mkdir -p ~/trap && cd ~/trap && ln -s ${outside} direct && ln -s /proc/1/root/ root1 && ln -s /proc/self/root self && ln -s ../../../../../../../..${outside} up && ln -s / slash && ln -s loop loop && mkfifo pipe`);
    const paths = ['direct', 'up', `root1${outside}`, `self${outside}`, `slash${outside}`, `slash/../../..${outside}`, 'loop', 'loop/x'];
    const answers = await sftp(...paths.map((path) => `-get /home/sailor/trap/${path} stolen`));
    assert.equal(answers.match(/not found|No such file/g)?.length, paths.length, answers);
    assert.equal(await stat(join(here, 'stolen')).catch(() => undefined), undefined);
    assert.match(await sftp('get /home/sailor/trap/pipe stolen'), /not a regular file|Permission denied/, 'opening a FIFO would wait for ever');
    await sftp('get /home/sailor/trap/slash/etc/hostname inner');
    assert.equal(await readFile(join(here, 'inner'), 'utf8'), await asUser('cat /etc/hostname'), 'links that stay inside work');
    await sftp(`put file /home/sailor/trap/direct`);
    assert.equal(await readFile(outside, 'utf8'), 'of the host\n');
  });

  it('sftp: the root user of a container cannot open devices that its container may not', async () => {
    const id = (await world.dev.containersOf(world.folder))[0] ?? '';
    await world.dev.engine.docker(['exec', '-u', '0', id, 'sh', '-c', 'mknod /root/disk b 254 0; mknod /root/mem c 1 1; chmod 666 /root/disk /root/mem; chmod 755 /root']);
    await writeFile(join(here, 'batch'), 'get /root/disk stolen\nget /root/mem stolen\n');
    const { stderr } = await world.tool('sftp', ['-q', '-b', join(here, 'batch'), `root@${world.alias}`], { cwd: here, okStatus: 'any' });
    assert.match(stderr, /not a regular file|Permission denied/);
    assert.equal(await stat(join(here, 'stolen')).catch(() => undefined), undefined);
  });

  it('scp, by sftp and by its own old protocol, both ways, without an scp inside', async () => {
    await world.dev.engine.docker(['exec', '-u', '0', (await world.dev.containersOf(world.folder))[0] ?? '', 'rm', '/usr/bin/scp']);
    await mkdir(join(here, 'tree', 'sub'), { recursive: true });
    await writeFile(join(here, 'tree', 'sub', 'a b'), 'spaced\n', { mode: 0o755 });
    for (const [index, args] of [[], ['-O']].entries()) {
      await world.tool('scp', [...args, '-q', '-r', '-p', join(here, 'tree'), `${world.alias}:copied${index}`]);
      assert.equal(await asUser(`cat "copied${index}/sub/a b"; stat -c %a "copied${index}/sub/a b"`), 'spaced\n755\n');
      await world.tool('scp', [...args, '-q', '-r', `${world.alias}:copied${index}`, join(here, `back${index}`)]);
      assert.equal(await readFile(join(here, `back${index}`, 'sub', 'a b'), 'utf8'), 'spaced\n');
      const refused = await world.tool('scp', [...args, '-q', join(here, 'file'), `${world.alias}:/etc/new`], { okStatus: [1] });
      assert.match(refused.stderr, /Permission denied/);
      await world.tool('scp', [...args, '-q', `${world.alias}:nothing-here`, here], { okStatus: [1] });
    }
  });

  it('rsync, both ways; what it writes into the workspace belongs to the folder’s owner outside', async () => {
    await symlink('sub', join(here, 'tree', 'link')).catch(() => undefined);
    const rsync = (from: string, to: string): Promise<unknown> => run('rsync', ['-a', '--no-o', '--no-g', '--delete', '-e', `ssh -F ${world.config}`, from, to], { env: world.env });
    await rsync(`${here}/tree/`, `${world.alias}:synced/`);
    assert.equal(await asUser('readlink synced/link; cat "synced/link/a b"'), 'sub\nspaced\n');
    assert.equal((await stat(join(world.folder, 'synced', 'sub', 'a b'))).uid, 1000);
    await rsync(`${world.alias}:/workspaces/app/synced/`, join(here, 'resynced'));
    assert.equal(await readFile(join(here, 'resynced', 'sub', 'a b'), 'utf8'), 'spaced\n');
  });

  it('git clone and push', async () => {
    await asUser('git init -q --bare ~/repo.git && git -C ~/repo.git symbolic-ref HEAD refs/heads/main');
    const env = { ...world.env, GIT_SSH_COMMAND: `ssh -F ${world.config}`, GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };
    const git = (args: readonly string[], cwd: string) => run('git', args, { cwd, env });
    await git(['clone', '-q', `ssh://${world.alias}/home/sailor/repo.git`, 'clone'], here);
    await writeFile(join(here, 'clone', 'f'), 'x'.repeat(100_000));
    await git(['add', '.'], join(here, 'clone'));
    await git(['commit', '-q', '-m', 'one'], join(here, 'clone'));
    await git(['push', '-q', 'origin', 'HEAD:main'], join(here, 'clone'));
    assert.equal(await asUser('git -C ~/repo.git log --format=%s main'), 'one\n');
  });
});
