import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { start } from '../../../engine/host/process.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { needs } from '../../support/needs.ts';
import { SPARSE_FORMS, sparseMember } from '../../support/sparseFiles.ts';
import { tarball } from '../../support/tarball.ts';

const SCRIPT = [
  'echo new > /root/new; mkdir -p /srv/made/deep; echo x > /srv/made/deep/file; ln -s /etc /srv/link',
  'echo changed >> /etc/hosts.equiv; echo changed >> /etc/issue; rm /etc/debian_version',
  'rm -r /etc/skel; mkdir /etc/skel; echo only > /etc/skel/only',
  'rm /etc/motd 2>/dev/null; mkdir -p /etc/motd; rm -r /usr/share/doc/bash',
].join('\n');

describe('what a container did to its files', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('files')));
  after(() => world.remove());
  const kinds = async (ref: string): Promise<Record<string, string>> =>
    Object.fromEntries((await world.containers.files.changes(ref)).map(({ path, kind }) => [path, 'CAD'[kind] ?? '?']));

  it('is told like docker diff does: added, changed, deleted, also where a folder was made anew', async () => {
    const { id } = await world.finish(SCRIPT);
    const changes = await kinds(id);
    assert.deepEqual(
      ['/root', '/root/new', '/srv', '/srv/made', '/srv/made/deep/file', '/srv/link', '/etc', '/etc/issue', '/etc/debian_version', '/etc/skel', '/etc/skel/only', '/etc/skel/.profile', '/usr/share/doc/bash'].map((path) => `${changes[path] ?? '-'} ${path}`),
      ['C /root', 'A /root/new', 'C /srv', 'A /srv/made', 'A /srv/made/deep/file', 'A /srv/link', 'C /etc', 'C /etc/issue', 'D /etc/debian_version', 'C /etc/skel', 'A /etc/skel/only', 'D /etc/skel/.profile', 'D /usr/share/doc/bash'],
    );
    assert.equal(Object.keys(changes).some((path) => path.startsWith('/proc') || path.startsWith('/srv/link/')), false);
    await world.containers.remove(id);
  });

  it('is nothing for one that wrote nothing, and goes on to be told while it runs', async () => {
    const id = await world.start(['sh', '-c', 'sleep 1000'], { Volumes: { '/data': {} } });
    assert.deepEqual(await kinds(id), {});
    await world.exec(id, ['sh', '-c', 'echo 1 > /data/inside-a-volume; echo 1 > /opt/outside']);
    assert.deepEqual(await kinds(id), { '/opt': 'C', '/opt/outside': 'A' });
    await world.containers.remove(id, { force: true, volumes: true });
  });

  it('comes out as a tar of the whole root filesystem without mounts, running or not', async () => {
    const id = await world.start(['sh', '-c', 'echo mine > /root/mine; echo v > /data/v; rm /etc/issue; sleep 1000'], { Volumes: { '/data': {} } });
    await world.exec(id, ['sh', '-c', 'until [ -e /data/v ]; do sleep 0.05; done']);
    const running = await listTar(world, id);
    await world.containers.stop(id, { timeout: 0 });
    const stopped = await listTar(world, id);
    for (const names of [running, stopped]) {
      assert.ok(names.includes('root/mine') && names.includes('etc/passwd') && names.includes('usr/bin/env'), names.slice(0, 20).join());
      assert.equal(names.includes('data/v') || names.includes('etc/issue'), false);
    }
    await world.containers.remove(id, { volumes: true });
  });

  it('becomes an image: files, whiteouts, settings, changes and history', async () => {
    const { id } = await world.finish(SCRIPT, { Env: ['A=1'], WorkingDir: '/srv' });
    const image = await world.containers.files.commit(id, { name: 'kept:1', comment: 'as it was', author: 'me', changes: ['CMD ["cat","/root/new"]', 'ENV B=2'], pause: true, config: { User: 'nobody' } });
    const record = world.images.resolve('kept:1');
    assert.equal(record.id, image.id);
    assert.deepEqual(record.config.config?.Env, ['A=1', 'B=2']);
    assert.deepEqual([record.config.config?.Cmd, record.config.config?.WorkingDir, record.config.config?.User], [['cat', '/root/new'], '/srv', 'nobody']);
    assert.deepEqual([record.config.history?.at(-1)?.comment, record.config.history?.at(-1)?.author], ['as it was', 'me']);
    await world.containers.remove(id);
    const made = await world.run('ls /etc/skel; ls -d /etc/debian_version /usr/share/doc/bash 2>&1; cat /srv/made/deep/file; readlink /srv/link', { Image: 'kept:1', User: 'root' });
    assert.match(made.stdout, /^ls: cannot access|only\n/);
    assert.match(made.stdout, /only\n(ls: cannot access.*\n){2}x\n\/etc\n/);
    await world.images.remove('kept:1');
  });

  it('is copied while the container stands still, which then goes on', async function () {
    needs(this, 'cgroups');
    const id = await world.start(['sh', '-c', 'i=0; while :; do i=$((i+1)); for f in a b; do echo $i > /root/t; mv /root/t /root/$f; done; done']);
    await world.containers.files.commit(id, { name: 'still:1', comment: '', author: '', changes: [], pause: true, config: {} });
    assert.equal(world.containers.find(id).state.status, 'running');
    const before = (await world.exec(id, ['cat', '/root/a'])).stdout;
    await until(async () => (await world.exec(id, ['cat', '/root/a'])).stdout !== before);
    const { stdout } = await world.run('cat /root/a /root/b', { Image: 'still:1' });
    const [a, b] = stdout.split('\n').map(Number);
    assert.ok(a !== undefined && b !== undefined && a - b <= 1 && a - b >= 0, stdout);
    await world.containers.remove(id, { force: true });
    await world.images.remove('still:1');
  });

  it('take sparse files from an archive, with their holes', async () => {
    const id = await world.start(['sleep', '1000']);
    for (const [index, form] of Object.keys(SPARSE_FORMS).entries()) {
      const member = sparseMember(form, `sparse${index}`, { size: 50_000_000, segments: [{ at: 4_000_000, length: 4 }], data: Buffer.from('data') });
      await world.containers.archive.write(world.containers.find(id), '/srv', PassThrough.from([tarball([member, { path: `after${index}`, content: 'after' }])]));
      const { stdout } = await world.exec(id, ['sh', '-c', `stat -c '%s %b' /srv/sparse${index}; tail -c +4000001 /srv/sparse${index} | head -c 5 | od -An -c; cat /srv/after${index}`]);
      const [, size, blocks, content] = /^(\d+) (\d+)\n([^]*)$/.exec(stdout) ?? [];
      assert.deepEqual([size, content], ['50000000', '   d   a   t   a  \\0\nafter'], form);
      assert.ok(Number(blocks) * 512 < 1_000_000, `${form}: ${blocks} blocks`);
    }
    const bad = sparseMember('PAX 1.0', 'bad', { size: 10, segments: [{ at: 8, length: 4 }], data: Buffer.from('data') });
    await assert.rejects(world.containers.archive.write(world.containers.find(id), '/srv', PassThrough.from([tarball([bad])])), { code: 'ARCHIVE_INVALID' });
    await world.containers.remove(id, { force: true });
  });

  it('refuses changes that are no instructions, and leaves nothing behind', async () => {
    const { id } = await world.finish('echo x > /x');
    const snapshots = world.snapshots.list().length;
    await assert.rejects(world.containers.files.commit(id, { name: 'bad', comment: '', author: '', changes: ['RUN ls'], pause: true, config: {} }), { code: 'INVALID_CHANGE' });
    assert.equal(world.images.has('bad'), false);
    assert.equal(world.snapshots.list().length, snapshots);
    await world.containers.remove(id);
  });
});

async function listTar(world: ContainerWorld, ref: string): Promise<string[]> {
  const file = join(world.root, 'out.tar');
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  out.on('data', (chunk: Buffer) => chunks.push(chunk));
  await world.containers.files.export(ref, () => out, new AbortController().signal);
  await writeFile(file, Buffer.concat(chunks));
  const child = start('tar', ['-tf', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(child.stdout);
  return (await text(child.stdout)).split('\n');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await condition()); ) assert.ok(Date.now() < end, 'did not happen in 10 s');
}
