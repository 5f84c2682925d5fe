import assert from 'node:assert/strict';
import { specInput, swap, toOciMount } from '../../../engine/containers/containerSpec.ts';
import { processSpec } from '../../../engine/containers/execProcess.ts';
import type { ExecSession } from '../../../engine/containers/execSession.ts';
import { toResources } from '../../../engine/containers/limits.ts';
import type { LimitFacts } from '../../../engine/containers/limits.ts';
import { parseSecurity, toOciSeccomp } from '../../../engine/containers/security.ts';
import { confinementWarnings } from '../../../engine/containers/securityModules.ts';
import { buildSpec } from '../../../engine/host/ociSpec.ts';
import type { OciProcess } from '../../../engine/host/ociTypes.ts';

const v1: LimitFacts = { version: '1', swapLimit: true, controllers: new Set(['cpu', 'cpuset', 'memory', 'pids', 'blkio']) };

describe('limits', () => {
  it('turn CPUs into quota and period', () => {
    assert.deepEqual(toResources({ NanoCpus: 1.5e9 }, v1).cpu, { quota: 150_000, period: 100_000 });
  });

  it('leave swap alone where the kernel has no limit on it', () => {
    assert.deepEqual(toResources({ Memory: 1e8, MemorySwap: 2e8 }, { ...v1, swapLimit: false }).memory, { limit: 1e8 });
    assert.deepEqual(toResources({ Memory: 1e8, MemorySwap: -1 }, v1).memory, { limit: 1e8, swap: -1 });
  });

  it('are absent where nothing is limited', () => {
    assert.deepEqual(toResources({ Memory: 0, CpuShares: 0, PidsLimit: 0 }, v1), {});
  });
});

describe('an idmapped mount', () => {
  const at = (mappings: ReturnType<typeof swap>, id: number): number | undefined => {
    const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
    return found && found.hostID + id - found.containerID;
  };

  it('swaps two owners and leaves everybody else', () => {
    const mappings = swap({ onDisk: { uid: 501, gid: 20 }, inside: { uid: 1000, gid: 1000 } }, 'uid');
    assert.deepEqual([0, 500, 501, 502, 999, 1000, 1001, 65_534].map((id) => at(mappings, id)), [0, 500, 1000, 502, 999, 501, 1001, 65_534]);
  });

  it('works for root and for equal owners', () => {
    const root = swap({ onDisk: { uid: 1000, gid: 0 }, inside: { uid: 0, gid: 0 } }, 'uid');
    assert.deepEqual([0, 1, 1000].map((id) => at(root, id)), [1000, 1, 0]);
    assert.equal(at(swap({ onDisk: { uid: 5, gid: 5 }, inside: { uid: 5, gid: 5 } }, 'gid'), 5), 5);
  });

  it('is not recursive, and tmpfs keeps its guards unless told otherwise', () => {
    const common = { source: '/s', destination: '/d', readOnly: true, propagation: '', mode: '', anonymous: false, copyUp: false, recursive: true } as const;
    const bind = toOciMount({ ...common, type: 'bind', idmap: { onDisk: { uid: 1, gid: 1 }, inside: { uid: 2, gid: 2 } } });
    assert.deepEqual(bind.options, ['bind', 'rprivate', 'ro', 'idmap']);
    assert.deepEqual(toOciMount({ ...common, type: 'tmpfs', readOnly: false, tmpfsOptions: ['exec', 'size=1m'] }).options, ['nosuid', 'nodev', 'exec', 'size=1m']);
  });
});

describe('security options', () => {
  it('are read with either separator', () => {
    assert.equal(parseSecurity(['no-new-privileges']).noNewPrivileges, true);
    assert.equal(parseSecurity(['no-new-privileges:false']).noNewPrivileges, false);
    assert.equal(parseSecurity(['seccomp=unconfined']).seccomp, 'unconfined');
    assert.deepEqual(['apparmor=mine', 'apparmor:mine'].map((option) => parseSecurity([option]).appArmor), ['mine', 'mine']);
    assert.deepEqual(parseSecurity(['label=type:t_t', 'label:level:s0:c1,c2', 'label=disable', 'disable']).labels, ['type:t_t', 'level:s0:c1,c2', 'disable', 'disable']);
    for (const wrong of ['selinux=x', 'disable=x']) assert.throws(() => parseSecurity([wrong]), /invalid --security-opt/, wrong);
  });

  it('say so in the answer to create where there is no such confinement', () => {
    const told = (options: readonly string[], enabled: boolean): string[] => confinementWarnings({ appArmor: { enabled }, seLinux: { enabled } }, { hostConfig: { SecurityOpt: [...options] } });
    assert.match(told(['apparmor=mine', 'label=type:t_t'], false).join('\n'), /apparmor=mine has no effect\.\n.*label=type:t_t has no effect/);
    assert.deepEqual([told(['apparmor=mine', 'label=type:t_t'], true), told(['apparmor=unconfined', 'label=disable', 'no-new-privileges'], false), told([], false)], [[], [], []]);
  });

  it("take a profile in Docker's format, its conditions evaluated", () => {
    const text = JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }], syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }, { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } }, { names: ['clone'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_ADMIN'] } }] });
    const { seccomp } = parseSecurity([`seccomp=${text}`]);
    assert.ok(typeof seccomp === 'object');
    assert.deepEqual(toOciSeccomp(seccomp, [], 'x64').syscalls.map(({ names }) => names[0]), ['read', 'clone']);
    assert.deepEqual(toOciSeccomp(seccomp, ['CAP_SYS_ADMIN'], 'x64').architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  });
});

describe('a container', () => {
  const record = { args: ['sh'], config: {}, hostConfig: {}, mounts: [] } as unknown as Parameters<typeof specInput>[0];
  const session = (labels: object, state: object): OciProcess => processSpec({ container: { record: { ...record, ...labels }, state }, config: { Cmd: ['sh'], Privileged: true }, tty: false } as unknown as ExecSession, facts.user, true);

  it('and what is run in it have the labels of its start', () => {
    const seLinux = { process: 'u:r:t:s0:c1,c2', mount: 'u:r:f:s0:c1,c2' };
    const spec = buildSpec(specInput({ ...record, seLinux }, { ...facts, systemd: false, appArmorProfile: 'mine' } as unknown as Parameters<typeof specInput>[1]), false);
    assert.deepEqual([spec.process.apparmorProfile, spec.process.selinuxLabel, spec.linux.mountLabel], ['mine', seLinux.process, seLinux.mount]);
    const further = session({ seLinux }, { appArmor: 'mine' });
    assert.deepEqual([further.apparmorProfile, further.selinuxLabel], ['mine', seLinux.process]);
  });

  it('has none where there is nothing that reads them', () => {
    const spec = buildSpec(specInput(record, { ...facts, systemd: false } as unknown as Parameters<typeof specInput>[1]), false);
    const further = session({ seLinux: { mount: 'u:r:f:s0' } }, {});
    for (const named of [spec.process, spec.linux, further]) assert.deepEqual(Object.keys(named).filter((key) => /apparmor|label/i.test(key)), []);
  });
});

const facts = { cgroups: true, systemd: true, limits: { ...v1, nsdelegate: false }, user: { uid: 0, gid: 0, additionalGids: [], home: '/root' }, hostname: 'h', network: 'own', joined: {}, devices: [{ path: '/dev/tty1' }, { path: '/dev/fuse' }], deviceRules: [], etc: { hosts: '/h', hostname: '/n', resolvConf: '/r' }, mounts: [] };

describe('a container that systemd is the first process of', () => {
  const input = (host: object, more: object = {}): ReturnType<typeof specInput> => specInput({ args: ['/sbin/init'], config: {}, hostConfig: host, mounts: [] } as unknown as Parameters<typeof specInput>[0], { ...facts, ...more } as unknown as Parameters<typeof specInput>[1]);
  const v2 = { limits: { ...v1, version: '2', nsdelegate: true } };

  it('has a control group namespace and may write its group', () => {
    for (const [version, more] of [['1', {}], ['2', v2]] as const) {
      const { cgroup, writableCgroup, systemd } = input({}, more);
      assert.deepEqual([cgroup, writableCgroup, systemd], ['own', version, true]);
    }
    assert.ok(input({}).env.includes('container=oci'));
  });

  it('may not where it would see the host’s groups, could lift its own limits, or something else was mounted there', () => {
    const given = { mounts: [{ type: 'bind', source: '/sys/fs/cgroup', destination: '/sys/fs/cgroup', readOnly: false, propagation: '' }] };
    for (const made of [input({ CgroupnsMode: 'host' }, v2), input({}, { limits: { ...v2.limits, nsdelegate: false } }), input({}, { ...v2, ...given }), input({}, given)]) assert.equal(made.writableCgroup, undefined);
    assert.equal(input({}, given).cgroup, 'host');
  });

  it('gets no consoles of the host', () => {
    assert.deepEqual(input({ Privileged: true }).devices?.map(({ path }) => path), ['/dev/fuse']);
    assert.equal(input({ Privileged: true }, { systemd: false }).devices?.length, 2);
  });

  it('that is privileged has its own control group namespace on version 2, as every container, and on version 1 only with systemd', () => {
    assert.deepEqual([input({ Privileged: true }, { ...v2, systemd: false }).cgroup, input({ Privileged: true }, { systemd: false }).cgroup, input({ Privileged: true }).cgroup], ['own', 'host', 'own']);
  });
});
