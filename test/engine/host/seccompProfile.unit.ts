import assert from 'node:assert/strict';
import { defaultCapabilities } from '../../../engine/host/capabilities.ts';
import { defaultSeccomp } from '../../../engine/host/seccompProfile.ts';

function allowed(capabilities: readonly string[], arch = 'x64'): Set<string> {
  const { syscalls } = defaultSeccomp(capabilities, arch);
  return new Set(syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args).flatMap(({ names }) => names));
}

describe('the default seccomp profile', () => {
  it('allows what ordinary programs need, each name once', () => {
    const [plain] = defaultSeccomp(defaultCapabilities).syscalls;
    assert.ok(plain);
    assert.equal(new Set(plain.names).size, plain.names.length);
    for (const name of ['read', 'openat', 'execve', 'futex', 'epoll_wait', 'accept4', 'rseq', 'statx', 'ptrace', 'chroot']) assert.ok(plain.names.includes(name), name);
    assert.equal(plain.names.filter((name) => !/^[a-z0-9_]+$/.test(name)).length, 0);
  });

  it('refuses keys, mounts, namespaces, modules and io_uring to a container with default capabilities', () => {
    const names = allowed(defaultCapabilities);
    for (const name of ['keyctl', 'add_key', 'mount', 'umount2', 'unshare', 'setns', 'clone', 'clone3', 'bpf', 'init_module', 'reboot', 'io_uring_setup', 'userfaultfd', 'open_by_handle_at', 'kexec_load']) assert.ok(!names.has(name), name);
  });

  it('allows what a capability permits only with that capability', () => {
    assert.ok(allowed([...defaultCapabilities, 'CAP_SYS_ADMIN']).has('mount'));
    assert.ok(allowed(['CAP_SYSLOG']).has('syslog'));
    assert.ok(!allowed([]).has('chroot'));
  });

  it('lets clone make threads and processes but no namespaces, and says clone3 does not exist', () => {
    const { syscalls } = defaultSeccomp(defaultCapabilities);
    const clone = syscalls.find(({ names, args }) => names.includes('clone') && args);
    assert.deepEqual(clone?.args, [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]);
    assert.deepEqual(syscalls.find(({ names }) => names.includes('clone3')), { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
  });

  it('allows sockets of every family but ALG and VSOCK', () => {
    const rules = defaultSeccomp([]).syscalls.filter(({ names }) => names[0] === 'socket').map(({ args }) => args?.[0]);
    const passes = (family: number): boolean => rules.some((arg) => (arg?.op === 'SCMP_CMP_LT' ? family < arg.value : arg?.op === 'SCMP_CMP_GT' ? family > arg.value : family === arg?.value));
    assert.deepEqual([1, 2, 10, 16, 38, 39, 40, 41].filter(passes), [1, 2, 10, 16, 39, 41]);
  });

  it('names the architectures whose calls the kernel also takes', () => {
    assert.deepEqual(defaultSeccomp([], 'x64').architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
    assert.ok(allowed([], 'arm64').has('cacheflush'));
    assert.ok(!allowed([], 'arm64').has('arch_prctl'));
  });
});
