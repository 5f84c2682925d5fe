import assert from 'node:assert/strict';
import type { DoctorReport, DoctorStep } from '../../../engine/api/berth/doctor.ts';
import { doctorReportSchema } from '../../../engine/api/berth/doctor.ts';
import { configFromEnvironment } from '../../../engine/base/config.ts';
import { probeHost } from '../../../engine/host/probe.ts';
import { allPrograms, recordedHost } from '../../support/recordedHost.ts';
import type { Recorded } from '../../support/recordedHost.ts';

const probe = (tree: 'v1' | 'v2' | 'hybrid', facts: Recorded = {}): Promise<DoctorReport> => probeHost(recordedHost(tree, facts), configFromEnvironment({ HOME: '/root' }, 0));
const stepIn = (report: DoctorReport, id: string): DoctorStep => {
  const step = report.steps.find((candidate) => candidate.id === id);
  assert.ok(step, id);
  return step;
};

describe('the probe on recorded hosts', () => {
  it('finds nothing wrong with a current v2 host', async () => {
    const report = await probe('v2', { programs: allPrograms });
    assert.ok(report.ok);
    assert.deepEqual(report.steps.filter(({ status }) => status !== 'ok'), []);
    assert.deepEqual(report.fix, { manager: null, commands: [], notes: [] });
    assert.equal(report.system, 'Ubuntu 24.04.1 LTS');
    assert.deepEqual(doctorReportSchema.parse(JSON.parse(JSON.stringify(report))), report);
  });

  it('names the v1 controllers and warns of limits that cannot be kept', async () => {
    const step = stepIn(await probe('v1', { programs: allPrograms }), 'cgroups');
    assert.equal(step.status, 'warn');
    assert.equal(step.seen, 'v1: cpu cpuacct devices pids; missing: memory');
    assert.match(step.advice, /cgroup_enable=memory/);
  });

  it('says that runc will be used where crun refuses hybrid cgroups, and asks for runc where only crun is', async () => {
    const both = stepIn(await probe('hybrid', { programs: allPrograms }), 'oci-runtime');
    assert.equal(both.status, 'ok');
    assert.match(both.seen, /runc will be used if crun refuses this host's hybrid cgroups \(hugetlb on v2 beside v1\)/);
    const { runc, ...withoutRunc } = allPrograms;
    assert.ok(runc);
    const report = await probe('hybrid', { programs: { ...withoutRunc, zypper: '' } });
    assert.equal(stepIn(report, 'oci-runtime').status, 'fail');
    assert.deepEqual(report.fix.commands, [['zypper', '--non-interactive', 'install', '--no-recommends', 'runc']]);
  });

  it('plans the installation of everything missing on a bare host', async () => {
    const report = await probe('v2', { programs: { 'apt-get': 'apt' } });
    assert.ok(!report.ok);
    for (const id of ['oci-runtime', 'conmon', 'nft', 'ip', 'tar']) assert.equal(stepIn(report, id).status, 'fail', id);
    assert.deepEqual(report.fix.commands.at(-1), ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', 'crun', 'conmon', 'nftables', 'iproute2', 'tar', 'mmdebstrap']);
  });

  it('looks at what an ordinary user was given', async () => {
    const report = await probe('v2', { programs: { ...allPrograms, newuidmap: '', newgidmap: '', 'apt-get': '' }, uid: 1000, user: 'dev', storage: (folder) => Promise.resolve({ folder, writable: false, free: 2 ** 33 }) });
    assert.equal(stepIn(report, 'user').seen, 'dev (uid 1000): the engine runs without root');
    assert.match(stepIn(report, 'cgroups').seen, /^v2: .*; an ordinary user's containers cannot be limited, measured or paused \(none are delegated to you\)$/);
    assert.match(stepIn(report, 'user-namespaces').seen, /AppArmor/);
    assert.equal(stepIn(report, 'subids').seen, '65536 user ids, 1000 group ids; 65536 of each are needed');
    assert.match(stepIn(report, 'socket').seen, /not writable/);
    assert.match(stepIn(report, 'subids').advice, /your own id only.*usermod --add-subuids .* dev/);
    assert.deepEqual(stepIn(report, 'rootless-tools').tools, ['rootlesskit', 'slirp4netns', 'nsenter']);
    assert.deepEqual(report.fix.notes, ['Installing needs root, and sudo was not found. Run as root: apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rootlesskit slirp4netns util-linux']);
    assert.ok(!report.ok);
  });

  it('says whether containers are confined by AppArmor, and what it lacks for that', async () => {
    const kernel: Recorded = { read: (path) => Promise.resolve(path.endsWith('apparmor/parameters/enabled') ? 'Y\n' : undefined), exists: () => true };
    const step = async (facts: Recorded): Promise<DoctorStep> => stepIn(await probe('v2', { programs: allPrograms, ...facts }), 'apparmor');
    assert.equal((await step({})).seen, 'not in this kernel');
    assert.equal((await step({ ...kernel, programs: { ...allPrograms, apparmor_parser: '' } })).seen, 'containers are confined by it');
    const lacking = await step(kernel);
    assert.deepEqual([lacking.status, /apparmor_parser was not found/.test(lacking.seen), /package apparmor/.test(lacking.advice)], ['warn', true, true]);
    assert.equal((await step({ ...kernel, uid: 1000 })).seen, 'not for engines without root');
  });

  describe('for an ordinary user', () => {
    const asUser = (facts: Recorded = {}, tree: 'v1' | 'v2' = 'v2'): Promise<DoctorReport> =>
      probe(tree, { programs: { ...allPrograms, newuidmap: '', newgidmap: '', rootlesskit: '', slirp4netns: '', nsenter: '' }, uid: 1000, user: 'dev', mayUse: () => true, exists: () => true, ...facts });

    it('finds a host ready that has what running without root stands on', async () => {
      const report = await asUser();
      assert.ok(report.ok);
      assert.deepEqual(['rootless-tools', 'tun', 'fuse', 'linger'].map((id) => stepIn(report, id).status), ['ok', 'ok', 'ok', 'ok']);
    });

    it('asks for the TUN device, and for access to it', async () => {
      assert.match(stepIn(await asUser({ exists: (path) => path !== '/dev/net/tun' }), 'tun').advice, /modprobe tun/);
      const closed = stepIn(await asUser({ mayUse: () => false }), 'tun');
      assert.deepEqual([closed.status, closed.seen], ['fail', '/dev/net/tun is closed to you']);
    });

    it('asks for fuse-overlayfs only where the kernel makes no overlay without root', async () => {
      const step = stepIn(await asUser({ kernel: '5.10.0-30-amd64' }), 'fuse');
      assert.deepEqual([step.status, step.tools], ['fail', ['fuse-overlayfs']]);
    });

    it('says that user namespaces are needed', async () => {
      const step = stepIn(await asUser({ read: (path) => Promise.resolve(path.endsWith('max_user_namespaces') ? '0\n' : undefined) }), 'user-namespaces');
      assert.deepEqual([step.status, step.seen], ['fail', 'user.max_user_namespaces is 0']);
    });

    const systemd = { 'systemd-run': '', busctl: '' };
    const delegated = (facts: Recorded = {}): Promise<DoctorReport> => asUser({ programs: { ...allPrograms, ...systemd }, mayUse: (path) => !path.startsWith('/sys/fs/cgroup'), exists: (path) => path === '/run/systemd/system' || path.endsWith('/user@1000.service'), ...facts });

    it('finds the control groups that systemd delegates, also from a login session, which is not among them', async () => {
      const session = '0::/user.slice/user-1000.slice/session-6.scope\n';
      const recorded = recordedHost('v2');
      for (const own of [await recorded.read('/proc/self/cgroup'), session]) {
        const step = stepIn(await delegated({ read: (path) => (path === '/proc/self/cgroup' ? Promise.resolve(own) : recorded.read(path)) }), 'cgroups');
        assert.deepEqual([step.status, step.seen], ['ok', 'v2: cpu memory pids, delegated to you (systemd); not delegated: cpuset, io']);
      }
    });

    it('says how systemd is told to delegate what containers are limited in', async () => {
      const recorded = recordedHost('v2');
      const step = stepIn(await delegated({ read: (path) => (path.endsWith('user@1000.service/cgroup.controllers') ? Promise.resolve('memory pids\n') : recorded.read(path)) }), 'cgroups');
      assert.deepEqual([step.status, step.seen], ['warn', 'v2: memory pids, delegated to you (systemd); not delegated: cpu, cpuset, io']);
      assert.match(step.advice, /Delegate=cpu cpuset io memory pids/);
    });

    it('takes the group it is in where there is no systemd, if that is the user’s', async () => {
      const given = { exists: () => false, read: (path: string) => (path.endsWith('/given/cgroup.controllers') ? Promise.resolve('cpu cpuset io memory pids\n') : path === '/proc/self/cgroup' ? Promise.resolve('0::/given\n') : recordedHost('v2').read(path)) };
      assert.deepEqual(stepIn(await delegated({ ...given, mayUse: () => true }), 'cgroups').seen, 'v2: cpu cpuset io memory pids, delegated to you (own group)');
      assert.match(stepIn(await delegated(given), 'cgroups').seen, /none are delegated to you/);
    });

    it('says that version 1 of cgroups limits nothing, and that the end of a session takes the sockets along', async () => {
      assert.match(stepIn(await asUser({}, 'v1'), 'cgroups').seen, /cannot be limited, measured or paused/);
      const report = await probeHost(recordedHost('v2', { uid: 1000, user: 'dev', exists: (path) => path === '/run/systemd/system' }), configFromEnvironment({ HOME: '/home/dev', XDG_RUNTIME_DIR: '/run/user/1000' }, 1000));
      assert.match(stepIn(report, 'linger').advice, /^loginctl enable-linger .*as root: loginctl enable-linger dev/);
    });
  });

  it('says what stands in the way of each step', async () => {
    const report = await probe('hybrid', {
      programs: { ...allPrograms, tar: 'bsdtar 3.6', ip: 'BusyBox v1.36.1' },
      kernel: '5.4.0-150-generic',
      architecture: 'riscv64',
      tryOverlay: () => Promise.resolve('mount: unknown filesystem type "overlay"'),
      trySocket: () => Promise.resolve('EACCES'),
      storage: (folder) => Promise.resolve({ folder, writable: true, free: 2 ** 28 }),
    });
    const status = (id: string): string => stepIn(report, id).status;
    assert.deepEqual(['kernel', 'overlay', 'socket', 'disk', 'tar', 'ip'].map(status), Array(6).fill('fail'));
    assert.deepEqual([status('architecture'), status('user-namespaces')], ['warn', 'warn']);
    for (const { status: outcome, advice } of report.steps) if (outcome !== 'ok') assert.notEqual(advice, '');
  });
});
