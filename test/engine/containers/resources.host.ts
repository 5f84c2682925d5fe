import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { deviceNumbers } from '../../../engine/host/devices.ts';
import { cgroupFacts } from '../../../engine/host/cgroups.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { needs } from '../../support/needs.ts';

describe('what a container shares and may use', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('share')));
  after(() => world.remove());

  it('--volumes-from: volumes and binds of another container, read-only where asked; they outlive neither more nor less than before', async () => {
    const first = await world.start(['sh', '-c', 'echo from-first > /data/file; sleep 1000'], { Volumes: { '/data': {} } }, 'first');
    await world.exec(first, ['sh', '-c', 'until [ -e /data/file ]; do sleep 0.05; done']);
    const { stdout } = await world.run('cat /data/file; echo second > /data/second; touch /ro/x 2>&1 || true', { HostConfig: { VolumesFrom: ['first'] } });
    assert.match(stdout, /^from-first\n/);
    assert.equal((await world.exec(first, ['cat', '/data/second'])).stdout, 'second\n');
    assert.match((await world.run('touch /data/x', { HostConfig: { VolumesFrom: ['first:ro'] } })).stderr, /Read-only file system/);
    assert.equal(world.volumes.list().length, 1);
    await world.containers.remove(first, { force: true, volumes: true });
    assert.equal(world.volumes.list().length, 0);
    await assert.rejects(world.containers.create({ Image: 'debian', Cmd: ['true'], HostConfig: { VolumesFrom: ['nobody'] } }), { code: 'INVALID_CONTAINER_CONFIG' });
  });

  it('limits on block devices reach the kernel; what is no block device is refused', async function () {
    needs(this, 'cgroups');
    const disk = (await readdir('/sys/block')).find((name) => /^(vd|sd|nvme|xvd)/.test(name));
    if (disk === undefined || cgroupFacts().version === '2') return this.skip();
    const { major, minor } = deviceNumbers((await stat(`/dev/${disk}`)).rdev);
    const rate = [{ Path: `/dev/${disk}`, Rate: 1_048_576 }];
    const { stdout } = await world.run('cat /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device /sys/fs/cgroup/blkio/blkio.throttle.write_iops_device', { HostConfig: { BlkioDeviceReadBps: rate, BlkioDeviceWriteIOps: [{ Path: `/dev/${disk}`, Rate: 50 }] } });
    assert.deepEqual(stdout.split('\n'), [`${major}:${minor} 1048576`, `${major}:${minor} 50`, '']);
    for (const Path of ['/dev/null', '/dev/none']) await assert.rejects(world.run('true', { HostConfig: { BlkioDeviceReadBps: [{ Path, Rate: 1 }] } }), { code: 'START_FAILED' });
    for (const { id } of world.containers.parts.store.list()) await world.containers.remove(id);
  });
});
