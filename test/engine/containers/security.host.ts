import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupFacts } from '../../../engine/host/cgroups.ts';
import { relabel } from '../../../engine/host/seLinux/relabel.ts';
import { run } from '../../../engine/host/process.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { defaultCapabilities, needs } from '../../support/needs.ts';

const MIB = 1024 * 1024;
/** keyctl(KEYCTL_GET_KEYRING_ID) by its number: 250 on x86-64, 219 on arm64. */
const KEYCTL = `perl -e '$! = 0; syscall(${process.arch === 'arm64' ? 219 : 250}, 0, -3, 0); print $!+0'`;
const EPERM = '1';

describe('limits and security of a container', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('secu')));
  after(() => world.remove());
  const cgroupFile = async (id: string, controller: string, v1: string, v2: string): Promise<string> => {
    const { cgroups, cgroupParent } = world.containers.parts;
    const path = cgroups.version === '2' ? `/sys/fs/cgroup${cgroupParent}/${id}/${v2}` : `/sys/fs/cgroup/${controller}${cgroupParent}/${id}/${v1}`;
    return (await readFile(path, 'utf8')).trim();
  };

  it('sets memory, CPU, pids and cpuset where the kernel enforces them', async function () {
    needs(this, 'cgroups');
    const id = await world.start(['sleep', '1000'], { HostConfig: { Memory: 64 * MIB, NanoCpus: 0.5e9, CpuShares: 512, PidsLimit: 77, CpusetCpus: '0' } });
    assert.equal(await cgroupFile(id, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(64 * MIB));
    assert.match(await cgroupFile(id, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000/);
    assert.equal(await cgroupFile(id, 'pids', 'pids.max', 'pids.max'), '77');
    assert.equal(await cgroupFile(id, 'cpuset', 'cpuset.cpus', 'cpuset.cpus'), '0');
    await world.containers.remove(id, { force: true });
  });

  it('kills what takes too much memory, and says so', async function () {
    needs(this, 'cgroups');
    const { id, exitCode } = await world.finish('exec perl -e \'my $x = "x" x (300*1024*1024); print length $x\'', { HostConfig: { Memory: 24 * MIB, MemorySwap: 24 * MIB } });
    const { State } = world.containers.inspect(id) as { State: { OOMKilled: boolean; ExitCode: number } };
    assert.deepEqual([exitCode, State.OOMKilled], [137, true]);
    await world.containers.remove(id);
  });

  it('stops a fork bomb', async function () {
    needs(this, 'cgroups');
    const { exitCode, stderr } = await world.run('for i in $(seq 50); do sleep 3 & done', { HostConfig: { PidsLimit: 20 } });
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /[Cc]annot fork|Resource temporarily unavailable/);
  });

  it("gives Docker's fourteen capabilities, and none to other users than root", async () => {
    const status = 'grep ^Cap /proc/self/status | cut -f2 | sort -u | tr "\\n" " "';
    assert.equal((await world.run(status)).stdout, `0000000000000000 ${defaultCapabilities()} `);
    assert.match((await world.run('grep CapEff /proc/self/status', { User: '1000' })).stdout, /CapEff:\t0{16}/);
    assert.match((await world.run('grep CapEff /proc/self/status', { HostConfig: { CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'] } })).stdout, /CapEff:\t0000000000001000/);
  });

  it('labels a folder with all that is in it, links themselves, and nothing of the system’s', async function () {
    needs(this, 'root'); // and no SELinux: without it such a label is an attribute like others
    const folder = join(world.root, 'labelled');
    await mkdir(join(folder, 'below'), { recursive: true });
    await writeFile(join(world.root, 'outside'), '');
    await writeFile(join(folder, 'below/file'), '');
    await symlink('../../outside', join(folder, 'below/link'));
    await relabel(folder, 'u:object_r:container_file_t:s0:c1,c2');
    const { stdout } = await run('getfattr', ['--absolute-names', '-h', '-R', '-P', '-n', 'security.selinux', '--only-values', folder]);
    assert.equal(stdout.replaceAll('\0', '\n'), 'u:object_r:container_file_t:s0:c1,c2\n'.repeat(4));
    assert.doesNotMatch((await run('getfattr', ['--absolute-names', '-m', '-', join(world.root, 'outside')])).stdout, /selinux/);
    await assert.rejects(relabel('/usr/', 'u:object_r:container_file_t:s0'), { code: 'RELABEL_REFUSED', message: /\/usr\/ is not allowed/ });
  });

  it('filters system calls, in execs too, unless told not to', async () => {
    assert.equal((await world.run(KEYCTL)).stdout, EPERM);
    assert.notEqual((await world.run(KEYCTL, { HostConfig: { SecurityOpt: ['seccomp=unconfined'] } })).stdout, EPERM);
    const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] });
    assert.match((await world.run('mkdir /x', { HostConfig: { SecurityOpt: [`seccomp=${profile}`] } })).stderr, /Operation not permitted/);
    const id = await world.start(['sleep', '1000']);
    assert.equal((await world.exec(id, ['sh', '-c', KEYCTL])).stdout, EPERM);
    await world.containers.remove(id, { force: true });
  });

  it('refuses mounts, new namespaces and host devices', async () => {
    const { stdout } = await world.run('mount -t tmpfs x /mnt 2>&1; unshare -m true 2>&1; unshare -U true 2>&1; mknod /tmp/sda b 8 0 && head -c1 /tmp/sda 2>&1');
    assert.match(stdout, /mount: .*permission denied/);
    assert.match(stdout, /unshare: unshare failed: Operation not permitted\nunshare: unshare failed: Operation not permitted\n/);
    assert.match(stdout, /Operation not permitted\n$/);
  });

  it('masks what tells of the host and protects what changes it', async () => {
    const { stdout, stderr } = await world.run('cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /sys/firmware | wc -l; (echo 1 > /proc/sys/kernel/panic); touch /sys/x; [ -d /sys/fs/cgroup/pids ] && cd /sys/fs/cgroup/pids || cd /sys/fs/cgroup; mkdir x');
    assert.equal(stdout, '0\n0\n');
    assert.equal(stderr.split('\n').filter((line) => /Read-only file system/.test(line)).length >= (cgroupFacts().usable ? 3 : 2), true, stderr);
  });

  it('lifts all that when privileged', async () => {
    const { stdout, exitCode } = await world.run('mount -t tmpfs x /mnt && echo mounted; ls /dev | wc -l; wc -l < /proc/keys', { HostConfig: { Privileged: true } });
    assert.equal(exitCode, 0);
    assert.match(stdout, /^mounted\n/);
    assert.ok(Number(stdout.split('\n')[1]) > 20);
  });

  it('keeps a program from gaining privileges when asked', async () => {
    assert.match((await world.run('grep NoNewPrivs /proc/self/status', { HostConfig: { SecurityOpt: ['no-new-privileges'] } })).stdout, /\t1\n/);
  });

  it('has a root file system that cannot be written, with tmpfs where wanted', async () => {
    const { stdout } = await world.run('touch /x 2>&1; touch /etc/hosts 2>/dev/null && echo writable; touch /run/y && df -k /run | tail -1; df -k /dev/shm | tail -1', { HostConfig: { ReadonlyRootfs: true, Tmpfs: { '/run': 'size=2m' }, ShmSize: 5 * MIB } });
    assert.match(stdout, /Read-only file system\ntmpfs +2048 .*\/run\nshm +5120 /);
  });

  it('sets ulimits as far as the host allows, sysctls, groups and devices', async () => {
    const { stdout } = await world.run('ulimit -n; ulimit -c; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; id -G; ls -l /dev/mine', {
      HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 10_000_000 }, { Name: 'core', Soft: 0, Hard: 0 }], Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '7' }, GroupAdd: ['audio', '4321'], Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/mine', CgroupPermissions: 'rwm' }] },
    });
    assert.match(stdout, /^100\n0\n7\n0 29 4321\ncrw-rw-rw- .* 1, +3 .*\/dev\/mine\n$/);
  });

  it('makes files in an idmapped mount belong to the user outside, and shows them as the user inside', async function () {
    needs(this, 'root');
    const source = await mkdtemp(join(tmpdir(), 'berth-idmap-'));
    try {
      await mkdir(join(source, 'sub'));
      await writeFile(join(source, 'mine'), 'x');
      for (const path of ['', 'sub', 'mine']) await chown(join(source, path), 12_345, 12_346);
      const mount = { Type: 'bind' as const, Source: source, Target: '/workspaces/app', BindOptions: { Idmap: { onDisk: { uid: 12_345, gid: 12_346 }, inside: { uid: 1000, gid: 1000 } } } };
      const { stdout, stderr } = await world.run('cd /workspaces/app; stat -c %u:%g . sub mine; echo y >> mine; touch made; mkdir sub/dir; stat -c %u:%g made', { User: '1000:1000', HostConfig: { Mounts: [mount] } });
      assert.deepEqual([stdout, stderr], ['1000:1000\n1000:1000\n1000:1000\n1000:1000\n', '']);
      for (const path of ['made', 'sub/dir', 'mine']) assert.deepEqual(await stat(join(source, path)).then(({ uid, gid }) => [uid, gid]), [12_345, 12_346]);
      await world.run('touch /workspaces/app/by-root', { HostConfig: { Mounts: [mount] } });
      assert.equal((await stat(join(source, 'by-root'))).uid, 0);
    } finally {
      await rm(source, { recursive: true, force: true });
    }
  });

  it('refuses a bind of a folder that is not there, but makes it for -v', async () => {
    const missing = join(world.root, 'made/for/it');
    const create = (HostConfig: object): Promise<unknown> => world.containers.create({ Image: 'debian', Cmd: ['true'], HostConfig: { ...HostConfig } });
    await assert.rejects(create({ Mounts: [{ Type: 'bind', Source: missing, Target: '/x' }] }), { code: 'BIND_SOURCE_MISSING', status: 400 });
    await world.run('true', { HostConfig: { Binds: [`${missing}:/x`] } });
    assert.ok((await stat(missing)).isDirectory());
  });
});
