import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { busyboxTar } from '../support/smallImage.ts';
import { machineSuite } from './machineSuite.ts';

const HOST = 'vmroot';

/** What only a machine of its own shows: systemd, and control groups of version 2 that really limit. */
describe('root on a server with systemd and cgroup v2', () => {
  const suite = machineSuite(HOST, 'root');
  const { docker, printed } = suite;
  const CURRENT = ['cat', '/proc/self/attr/current'];
  const refused = async (...args: string[]): Promise<string> => (await suite.client.docker(HOST, ['run', '--rm', ...args], { okStatus: 'any' })).stderr;
  const ADMIN = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'systempaths=unconfined'];
  const FREE = ['--security-opt', 'apparmor=unconfined'];

  it('gets the engine with the first command, and says each step to the doctor', async () => {
    assert.match((await suite.client.berth(['--host', HOST, 'ps'])).stdout, /CONTAINER ID/);
    const way = (await suite.client.berth(['host', 'doctor', HOST])).stdout;
    assert.match(way, /login/);
    assert.doesNotMatch(way, /failed/);
    assert.match((await suite.machine.exec('.berth/engine/current/berth doctor')).stdout, /v2: .*cpu.* memory .*pids/);
    await suite.client.docker(HOST, ['import', '-', 'small'], { input: await busyboxTar() });
    assert.deepEqual(await printed('info', '--format', '{{.CgroupVersion}} {{.CgroupDriver}} {{.DefaultRuntime}} {{.SwapLimit}}'), ['2 cgroupfs crun true']);
  });

  it('limits are the kernel’s, in a control group that is the container’s own', async () => {
    const files = ['memory.max', 'memory.swap.max', 'memory.low', 'cpu.max', 'cpuset.cpus', 'pids.max'].map((name) => `/sys/fs/cgroup/${name}`);
    const limits = ['--memory', '64m', '--memory-swap', '96m', '--memory-reservation', '32m', '--cpus', '0.5', '--cpuset-cpus', '0', '--pids-limit', '20'];
    assert.deepEqual(await printed('run', '--rm', ...limits, 'small', 'cat', ...files), ['67108864', '33554432', '33554432', '50000 100000', '0', '20']);
    assert.deepEqual(await printed('run', '--rm', 'small', 'cat', '/proc/self/cgroup'), ['0::/']);
    assert.match((await printed('run', '--rm', '--cgroupns', 'host', 'small', 'cat', '/proc/self/cgroup')).join(), /^0::\/berth\/[0-9a-f]{64}$/);
  });

  it('limits on processes and processor time hold', async () => {
    const forks = await suite.client.docker(HOST, ['run', '--rm', '--pids-limit', '8', 'small', 'sh', '-c', 'for i in $(seq 20); do sleep 20 & done'], { okStatus: 'any' });
    assert.match(forks.stderr, /can't fork/);
    const burn = 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; cat /sys/fs/cgroup/cpu.stat';
    const throttled = /nr_throttled (\d+)/.exec((await docker('run', '--rm', '--cpus', '0.2', 'small', 'sh', '-c', burn)).stdout)?.[1];
    assert.ok(Number(throttled) > 0, `throttled ${throttled} times`);
  });

  it('an end for want of memory is told from others', async () => {
    const end = await suite.client.docker(HOST, ['run', '--name', 'hungry', '--memory', '24m', '--memory-swap', '24m', 'small', 'tail', '/dev/zero'], { okStatus: 'any' });
    assert.equal(end.status, 137);
    assert.deepEqual(await printed('inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hungry'), ['true 137']);
    await docker('rm', 'hungry');
  });

  it('stats, top, update and pause work on what runs', async () => {
    await docker('run', '-d', '--name', 'steady', '--memory', '64m', '--memory-swap', '64m', 'small', 'sleep', '100000');
    const [figures = ''] = await printed('stats', '--no-stream', '--format', '{{.MemUsage}}, {{.PIDs}}', 'steady');
    assert.match(figures, /^[1-9]\S*B \/ 64MiB, 1$/);
    assert.match((await docker('top', 'steady')).stdout, /sleep 100000/);
    await docker('update', '--memory', '80m', '--memory-swap', '80m', '--pids-limit', '9', '--cpus', '0.25', 'steady');
    assert.deepEqual(await printed('exec', 'steady', 'cat', '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.swap.max', '/sys/fs/cgroup/pids.max', '/sys/fs/cgroup/cpu.max'), [String(80 * 1024 ** 2), '0', '9', '25000 100000']);
    await docker('pause', 'steady');
    assert.match((await suite.machine.exec('cat /sys/fs/cgroup/berth/*/cgroup.events')).stdout, /frozen 1/);
    await docker('unpause', 'steady');
    assert.deepEqual(await printed('exec', 'steady', 'echo', 'goes on'), ['goes on']);
    await docker('rm', '-f', 'steady');
  });

  it('what version 2 cannot do is left out with a warning; limits on disks are kept', async () => {
    const lacking = await docker('run', '--rm', '--memory', '64m', '--memory-swappiness', '10', '--oom-kill-disable', 'small', 'echo', 'ran');
    assert.equal(lacking.stdout, 'ran\n');
    assert.match(lacking.stderr, /--memory-swappiness/);
    assert.match(lacking.stderr, /--oom-kill-disable/);
    assert.deepEqual(await printed('run', '--rm', '--device-read-bps', '/dev/vda:1mb', 'small', 'cat', '/sys/fs/cgroup/io.max'), ['254:0 rbps=1048576 wbps=max riops=max wiops=max']);
    assert.deepEqual(await printed('run', '--rm', '--blkio-weight', '500', 'small', 'echo', 'ran'), ['ran']);
  });

  it('a device that was not given is refused by the kernel', async () => {
    const read = 'mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk | wc -c';
    assert.match((await docker('run', '--rm', 'small', 'sh', '-c', read)).stderr, /Operation not permitted/);
    assert.deepEqual(await printed('run', '--rm', '--device', '/dev/vda', 'small', 'sh', '-c', 'head -c 1 /dev/vda | wc -c'), ['1']);
  });

  it('AppArmor confines containers, what is run in them and steps of builds by the engine’s own profile, which is loaded once', async () => {
    assert.match((await printed('info', '--format', '{{.SecurityOptions}}')).join(), /name=apparmor/);
    await docker('run', '-d', '--name', 'confined', 'small', 'sleep', '100000');
    assert.deepEqual(await printed('exec', 'confined', ...CURRENT), ['berth-default (enforce)']);
    assert.deepEqual(await printed('exec', 'confined', 'cat', '/proc/1/attr/current'), ['berth-default (enforce)']);
    assert.deepEqual(await printed('inspect', '--format', '{{.AppArmorProfile}}', 'confined'), ['berth-default']);
    await docker('stop', '-t', '1', 'confined');
    await docker('rm', 'confined');
    const { stdout } = await suite.client.docker(HOST, ['build', '--no-cache', '-'], { input: `FROM small\nRUN ${CURRENT.join(' ')}\n`, env: { DOCKER_BUILDKIT: '0' } });
    assert.match(stdout, /^berth-default \(enforce\)$/m);
    assert.equal((await suite.machine.exec('dmesg | grep -c "profile_\\(load\\|replace\\).*berth-default"')).stdout, '1\n');
  });

  it('AppArmor refuses root in a container with every right to it the kernel’s settings and mounts, unless it is unconfined', async () => {
    for (const does of ['echo box > /proc/sys/kernel/hostname', 'mount -t tmpfs none /tmp']) {
      assert.match(await refused(...ADMIN, 'small', 'sh', '-c', does), /[Pp]ermission denied/, does);
      assert.equal(await refused(...ADMIN, ...FREE, 'small', 'sh', '-c', does), '', does);
    }
    for (const how of [FREE, ['--privileged']]) assert.deepEqual(await printed('run', '--rm', ...how, 'small', ...CURRENT), ['unconfined'], how.join());
  });

  it('AppArmor confines by a profile of the host’s that a container names, and says which one the kernel lacks', async () => {
    await suite.machine.exec('apparmor_parser --replace', { input: 'profile mine flags=(attach_disconnected) {\n file,\n capability,\n network,\n deny /tmp/** w,\n}\n' });
    const mine = ['--security-opt', 'apparmor=mine', 'small'];
    assert.deepEqual(await printed('run', '--rm', ...mine, ...CURRENT), ['mine (enforce)']);
    assert.match(await refused(...mine, 'sh', '-c', 'echo > /tmp/x'), /[Pp]ermission denied/);
    assert.match(await refused('--security-opt', 'apparmor=absent', 'small', 'true'), /The kernel has no AppArmor profile absent/);
  });

  it('an engine runs in a container too, with limits of its own', async () => {
    const engine = (await suite.machine.exec('readlink -f /root/.berth/engine/current')).stdout.trim();
    await docker('run', '-d', '--name', 'outer', '--privileged', '-v', '/var/lib/berth', '-v', `${engine}:${engine}:ro`, 'small', 'sleep', '100000');
    const archive = join(suite.client.home, 'small.tar');
    await docker('save', '-o', archive, 'small');
    await docker('cp', archive, 'outer:/small.tar');
    const inner = (...args: string[]): Promise<string[]> => printed('exec', 'outer', `${engine}/berth`, ...args);
    await inner('load', '-i', '/small.tar');
    assert.deepEqual(await inner('run', '--rm', '-m', '64m', '--pids-limit', '30', 'small', 'cat', '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/pids.max'), [String(64 * 1024 ** 2), '30']);
    assert.deepEqual(await printed('exec', 'outer', 'cat', '/proc/self/cgroup'), ['0::/init']);
    await docker('rm', '-f', '-v', 'outer');
  });

  it('published ports are the host’s, and containers find each other by name', async () => {
    await docker('network', 'create', 'both');
    await docker('run', '-d', '--name', 'web', '--network', 'both', '-p', '127.0.0.1:8080:80', 'small', 'sh', '-c', 'echo hello > /tmp/index.html; httpd -f -p 80 -h /tmp');
    await until(async () => (await suite.machine.exec('exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3')).stdout.includes('hello'), 'the page');
    assert.deepEqual(await printed('run', '--rm', '--network', 'both', 'small', 'wget', '-q', '-O', '-', 'http://web/'), ['hello']);
    await docker('rm', '-f', 'web');
    await docker('network', 'rm', 'both');
  });

  it('after a restart of the machine what has a restart policy comes back with the next engine, and the rest is said to have ended', async () => {
    await docker('run', '-d', '--name', 'always', '--restart', 'always', '--memory', '32m', 'small', 'sleep', '100000');
    await docker('run', '-d', '--name', 'stopped', '--restart', 'unless-stopped', 'small', 'sleep', '100000');
    await docker('stop', '-t', '0', 'stopped');
    await docker('run', '-d', '--name', 'once', 'small', 'sleep', '100000');
    await suite.machine.reboot();
    await suite.client.berth(['--host', HOST, 'ps']);
    await until(async () => (await printed('inspect', '--format', '{{.State.Status}}', 'always'))[0] === 'running', 'the container that always runs');
    assert.deepEqual(await printed('exec', 'always', 'cat', '/sys/fs/cgroup/memory.max'), [String(32 * 1024 ** 2)]);
    assert.deepEqual(await printed('inspect', '--format', '{{.Name}} {{.State.Status}}', 'stopped', 'once'), ['/stopped exited', '/once exited']);
    await docker('start', 'once');
    await docker('rm', '-f', 'always', 'stopped', 'once');
  });

  it('is rid of everything after rm --purge', async () => {
    await suite.client.berth(['host', 'rm', HOST, '--purge', '--force']);
    const { stdout } = await suite.machine.exec('ls -d /root/.berth /var/lib/berth /run/berth /run/netns/berth* /sys/fs/cgroup/berth* 2>/dev/null; ip -o link | grep -c berth; ps -eo args | grep -E "berth|conmon" | grep -v grep; mount | grep -v " on / " | grep berth; true');
    assert.equal(stdout, '0\n');
  });
});

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 300_000; !(await condition()); await delay(500)) assert.ok(Date.now() < end, `${what} did not come`);
}
