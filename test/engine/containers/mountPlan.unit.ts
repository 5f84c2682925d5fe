import assert from 'node:assert/strict';
import { parseBind, planMounts } from '../../../engine/containers/mountPlan.ts';

describe('mounts of a new container', () => {
  it('bind a folder, read-only if wanted', () => {
    const mount = parseBind('/src:/app/:ro,rshared');
    assert.deepEqual([mount.type, mount.source, mount.destination, mount.readOnly, mount.propagation, mount.createSource], ['bind', '/src', '/app', true, 'rshared', true]);
  });

  it('take what is no path for the name of a volume', () => {
    const mount = parseBind('cache:/var/cache');
    assert.deepEqual([mount.type, mount.volumeName, mount.anonymous], ['volume', 'cache', false]);
  });

  it('make an anonymous volume where only a target is named, and for the volumes of the image', () => {
    const mounts = planMounts({ HostConfig: { Binds: ['/a'] } }, ['/a', '/b']);
    assert.deepEqual(mounts.map(({ destination, anonymous }) => [destination, anonymous]), [['/a', true], ['/b', true]]);
  });

  it('mount what lies deeper later', () => {
    const mounts = planMounts({ HostConfig: { Binds: ['/x:/a/b/c', '/y:/a'], Tmpfs: { '/a/b': 'size=1m' } } }, []);
    assert.deepEqual(mounts.map(({ destination }) => destination), ['/a', '/a/b', '/a/b/c']);
  });

  it('carry an idmap and leave a missing source to the caller of --mount', () => {
    const Idmap = { onDisk: { uid: 1000, gid: 1000 }, inside: { uid: 0, gid: 0 } };
    const [mount] = planMounts({ HostConfig: { Mounts: [{ Type: 'bind', Source: '/src', Target: '/w', BindOptions: { Idmap } }] } }, []);
    assert.deepEqual([mount?.idmap, mount?.createSource], [Idmap, false]);
  });

  it('refuse two mounts on one target, relative targets, the root and unknown modes', () => {
    assert.throws(() => planMounts({ HostConfig: { Binds: ['/x:/a', '/y:/a/'] } }, []), /Duplicate mount point: \/a/);
    assert.throws(() => parseBind('/x:a'), /must be absolute/);
    assert.throws(() => parseBind('/x:/'), /can't be '\/'/);
    assert.throws(() => parseBind('/x:/a:rx'), /invalid mode: rx/);
  });
});
