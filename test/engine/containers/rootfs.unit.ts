import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { mkdirInside, readInside, resolveInside } from '../../../engine/containers/rootfs.ts';

describe('paths inside a root filesystem', () => {
  let outside = '';
  let root = '';
  before(async () => {
    outside = await realpath(await mkdtemp(join(tmpdir(), 'berth-rootfs-')));
    root = join(outside, 'root');
    await mkdir(join(root, 'etc'), { recursive: true });
    await mkdir(join(root, 'usr/lib'), { recursive: true });
    await writeFile(join(outside, 'secret'), 'host');
    await writeFile(join(root, 'usr/lib/os-release'), 'inside');
    await symlink('../usr/lib/os-release', join(root, 'etc/os-release'));
    await symlink('/usr/lib', join(root, 'lib'));
    await symlink('../../../../secret', join(root, 'etc/passwd'));
    await symlink(join(outside, 'secret'), join(root, 'etc/group'));
    await symlink('loop', join(root, 'loop'));
  });
  after(() => rm(outside, { recursive: true, force: true }));

  it('follow links as a process inside would', async () => {
    assert.equal(await resolveInside(root, '/lib/os-release'), join(root, 'usr/lib/os-release'));
    assert.equal(await readInside(root, '/etc/os-release'), 'inside');
  });

  it('never lead out, by dots or by links', async () => {
    assert.equal(await resolveInside(root, '/../../secret'), join(root, 'secret'));
    assert.equal(await readInside(root, '/etc/passwd'), undefined);
    assert.equal(await readInside(root, '/etc/group'), undefined);
    assert.equal(await mkdirInside(root, '/lib/../../../new/dir'), join(root, 'new/dir'));
  });

  it('are read only where an ordinary file of a sensible length is, and nothing else is even opened', async () => {
    await writeFile(join(root, 'etc/long'), '');
    await truncate(join(root, 'etc/long'), 5 * 1024 * 1024);
    await run('mkfifo', [join(root, 'etc/fifo')]);
    for (const name of ['long', 'fifo', '.', 'absent']) assert.equal(await readInside(root, `/etc/${name}`), undefined, name);
  });

  it('are read also where the root itself is reached by a link', async () => {
    await symlink(root, join(outside, 'link'));
    assert.equal(await readInside(join(outside, 'link'), '/etc/os-release'), 'inside');
    assert.equal(await readInside(join(outside, 'link'), '/etc/group'), undefined);
  });

  it('end where links go round in circles', async () => {
    await assert.rejects(resolveInside(root, '/loop/x'), { code: 'ELOOP' });
  });

  it('keep a last link when asked', async () => {
    assert.equal(await resolveInside(root, '/etc/os-release', { followLast: false }), join(root, 'etc/os-release'));
  });
});
