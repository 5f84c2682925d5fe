import assert from 'node:assert/strict';
import { asBerthError } from '../../../engine/base/errors.ts';
import { mountFailure } from '../../../engine/host/mountCalls.ts';
import { overlayOptions, parseMountLine } from '../../../engine/host/mounts.ts';

const spec = (layers: number) => ({
  lowerDirs: Array.from({ length: layers }, (_, index) => `/var/lib/berth/snapshots/${String(index).padStart(20, '0')}/fs`),
  upperDir: '/var/lib/berth/containers/c/upper',
  workDir: '/var/lib/berth/containers/c/work',
  target: '/var/lib/berth/containers/c/rootfs',
});

describe('an overlay mount', () => {
  it('names its directories relative to the folder where most layers are', () => {
    const { cwd, options } = overlayOptions(spec(9));
    assert.equal(cwd, '/var/lib/berth/snapshots');
    assert.match(options, /^lowerdir=0{20}\/fs:0{19}1\/fs:.*,upperdir=\.\.\/containers\/c\/upper,workdir=\.\.\/containers\/c\/work,/);
  });

  it('has room for 127 layers in one page of options', () => {
    const { lowerDirs, ...rest } = spec(127);
    const container = `/var/lib/berth/containers/${'c'.repeat(64)}`;
    assert.ok(overlayOptions({ ...rest, lowerDirs: [...lowerDirs, `${container}/mountpoints`, '/var/lib/berth/skeleton'], upperDir: `${container}/upper`, workDir: `${container}/work` }).options.length < 4096);
  });

  it('has the label of SELinux in quotes, for it has commas', () => {
    assert.match(overlayOptions({ ...spec(2), volatile: true, label: 'u:object_r:t:s0:c1,c2' }).options, /,volatile,context="u:object_r:t:s0:c1,c2"$/);
  });

  it('says so when there are too many', () => {
    assert.throws(() => overlayOptions(spec(200)), { code: 'TOO_MANY_LAYERS' });
  });

  it('escapes what overlay would take for a separator', () => {
    assert.match(overlayOptions({ lowerDirs: ['/d/a:b'], upperDir: '/d/u', workDir: '/d/w', target: '/t' }).options, /^lowerdir=a\\:b,/);
  });

  it('keeps redirects and metadata copies out of the upper directory', () => {
    assert.match(overlayOptions(spec(1), false).options, /index=off,redirect_dir=off,metacopy=off/);
    // Together with userxattr the kernel refuses to be told what it does not do anyway.
    assert.match(overlayOptions(spec(1), true).options, /,userxattr,index=off,xino=off$/);
  });
});

describe('a mount that fails', () => {
  it('is named with the error of the system and what to do', () => {
    assert.equal(mountFailure('mount -t tmpfs', '/t', 19).message, 'mount -t tmpfs /t failed with status 19: ENODEV, no such device. The kernel lacks this file system: modprobe it, or use a kernel that has it; berth doctor tries it.');
    assert.match(mountFailure('umount -l', '/t', 999).message, /^umount -l \/t failed with status 999: errno 999, unknown error\. /);
  });

  it('for want of room is a full disk', () => {
    assert.equal(asBerthError(mountFailure('mount -t overlay', '/t', 28)).code, 'DISK_FULL');
  });
});

describe('mountinfo', () => {
  it('is read with its escapes', () => {
    assert.deepEqual(parseMountLine(String.raw`36 35 98:0 / /mnt/a\040b rw,noatime shared:1 - ext4 /dev/root rw,errors=continue`), { target: '/mnt/a b', fsType: 'ext4', source: '/dev/root', options: 'rw,errors=continue' });
  });
});
