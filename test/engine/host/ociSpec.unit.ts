import assert from 'node:assert/strict';
import { buildSpec, defaultMaskedPaths } from '../../../engine/host/ociSpec.ts';
import type { SpecInput } from '../../../engine/host/ociSpec.ts';
import { specText } from '../../../engine/host/ociRuntime.ts';

const spec = (input: Partial<SpecInput> = {}): ReturnType<typeof buildSpec> => buildSpec({ rootfs: '/r', cgroupsPath: '/berth/x', args: ['true'], env: [], ...input });
const types = (input: Partial<SpecInput>): string[] => spec(input).linux.namespaces.map(({ type }) => type);

describe('the OCI specification of a container', () => {
  it('isolates mounts, processes, IPC, host name and network by default', () => {
    assert.deepEqual(types({}), ['mount', 'pid', 'ipc', 'uts', 'network']);
  });

  it('joins namespaces by path and leaves out those of the host', () => {
    assert.deepEqual(spec({ network: { path: '/run/netns/a' }, pid: 'host' }).linux.namespaces, [{ type: 'mount' }, { type: 'ipc' }, { type: 'uts' }, { type: 'network', path: '/run/netns/a' }]);
  });

  it('masks what tells of the host, and protects /proc/sys', () => {
    assert.deepEqual(spec().linux.maskedPaths, defaultMaskedPaths);
    assert.ok(spec().linux.readonlyPaths?.includes('/proc/sys'));
  });

  it('allows no devices but those of every container', () => {
    const [first, ...rest] = spec().linux.resources.devices ?? [];
    assert.deepEqual(first, { allow: false, access: 'rwm' });
    assert.ok(rest.every(({ allow }) => allow));
    assert.ok(!rest.some(({ major, minor }) => major === 10 && minor === 200));
  });

  it('takes the restrictions away when privileged', () => {
    const { linux, mounts, process } = spec({ privileged: true });
    assert.equal(linux.seccomp, undefined);
    assert.equal(linux.maskedPaths, undefined);
    assert.deepEqual(linux.resources.devices, [{ allow: true, access: 'rwm' }]);
    assert.ok(mounts.find(({ destination }) => destination === '/sys')?.options.includes('rw'));
    assert.ok(process.capabilities.bounding.length > 30);
  });

  it('leaves ambient and inheritable capabilities empty', () => {
    const { capabilities } = spec({ user: { uid: 1000, gid: 1000, additionalGids: [] } }).process;
    assert.deepEqual([capabilities.ambient, capabilities.inheritable], [[], []]);
  });

  it('gives way to a mount of the user in the place of one of the system', () => {
    const { mounts } = spec({ mounts: [{ destination: '/dev/shm', type: 'bind', source: '/x', options: ['bind'] }] });
    assert.deepEqual(mounts.filter(({ destination }) => destination === '/dev/shm').map(({ source }) => source), ['/x']);
  });

  it('writes no limit as the kernel has it, which JavaScript numbers cannot hold', () => {
    const text = specText(spec({ rlimits: [{ type: 'RLIMIT_CORE', hard: -1, soft: 0 }], env: ['A="hard":-1'] }));
    assert.ok(text.includes('"hard":18446744073709551615,"soft":0'));
    assert.ok(text.includes(String.raw`A=\"hard\":-1`));
  });

  it('without control groups has nothing of them, and cannot make device nodes that nobody would keep it from', () => {
    const { linux, mounts, process } = spec({ cgroups: false, resources: { memory: { limit: 1 } } });
    assert.deepEqual(linux.resources, {});
    assert.ok(!mounts.some(({ destination }) => destination === '/sys/fs/cgroup'));
    assert.ok(!process.capabilities.bounding.includes('CAP_MKNOD'));
    assert.ok(spec({}).process.capabilities.bounding.includes('CAP_MKNOD'));
  });

  it('in a user namespace binds what shows a namespace of the host', () => {
    const { mounts } = buildSpec({ rootfs: '/r', cgroupsPath: '/c', args: ['true'], env: [], pid: 'host', ipc: 'host' }, true);
    assert.equal(mounts.find(({ destination }) => destination === '/proc')?.type, 'bind');
    assert.ok(!mounts.some(({ destination }) => destination === '/dev/mqueue'));
  });

  describe('for systemd', () => {
    const mountsOf = (more: Partial<SpecInput>): string[] => spec(more).mounts.map(({ destination, type, options }) => `${destination} ${type} ${options.includes('rw') ? 'rw' : options.includes('ro') ? 'ro' : ''}`);

    it('has /run and /run/lock in memory, but where they are given', () => {
      const mounts = mountsOf({ systemd: true, mounts: [{ destination: '/run/lock', type: 'bind', source: '/x', options: ['bind'] }] });
      assert.deepEqual(mounts.filter((mount) => mount.startsWith('/run')), ['/run tmpfs ', '/run/lock bind ']);
    });

    it('may write its control group of version 2, and on version 1 only that in which nothing is limited', () => {
      const groups = (more: Partial<SpecInput>): string[] => mountsOf(more).filter((mount) => mount.startsWith('/sys/fs/cgroup'));
      assert.deepEqual(groups({}), ['/sys/fs/cgroup cgroup ro']);
      assert.deepEqual(groups({ writableCgroup: '2' }), ['/sys/fs/cgroup cgroup rw']);
      assert.deepEqual(groups({ writableCgroup: '1' }), ['/sys/fs/cgroup cgroup ro', '/sys/fs/cgroup/systemd bind rw']);
      assert.equal(spec({ writableCgroup: '1' }).mounts.find(({ destination }) => destination === '/sys/fs/cgroup/systemd')?.source, '/sys/fs/cgroup/systemd/berth/x');
    });
  });
});
