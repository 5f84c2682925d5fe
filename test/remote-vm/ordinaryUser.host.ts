import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { RunResult } from '../../engine/host/process.ts';
import { systemdTar } from '../support/base.ts';
import { busyboxTar } from '../support/smallImage.ts';
import { systemdContext } from '../support/systemdImage.ts';
import { machineSuite } from './machineSuite.ts';

const HOST = 'vmdev';
const PORT = 28123;
const GROUP = '/sys/fs/cgroup';
const SCOPES = `${GROUP}/user.slice/user-1000.slice/user@1000.service/app.slice/berth-*.scope/containers`;

/** An ordinary user of a server with systemd: what logind and delegated control groups make of the engine. */
describe('an ordinary user on a server with systemd and cgroup v2', () => {
  const suite = machineSuite(HOST, 'dev');
  const { docker, printed } = suite;

  it('gets an engine without root, with the control groups that systemd delegates, which outlives the login', async () => {
    assert.match((await suite.client.berth(['--host', HOST, 'ps'])).stdout, /CONTAINER ID/);
    const doctor = (await suite.machine.exec('.berth/engine/current/berth doctor', { user: 'dev' })).stdout;
    assert.match(doctor, /ok +Control groups +v2: cpu memory pids, delegated to you \(systemd\); not delegated: cpuset, io/);
    assert.match(doctor, /ok +After you log out +containers go on/);
    assert.equal((await suite.machine.exec('ls -d /home/dev/.berth/engine/current /var/lib/berth; ls /var/lib/systemd/linger')).stdout, '/home/dev/.berth/engine/current\ndev\n');
    await suite.client.docker(HOST, ['import', '-', 'small'], { input: await busyboxTar() });
    assert.deepEqual(await printed('info', '--format', '{{.CgroupVersion}} {{.CgroupDriver}} {{.MemoryLimit}} {{.PidsLimit}} {{.CPUSet}}'), ['2 cgroupfs true true false']);
  });

  it('limits memory, swap, processor time and processes in a control group of each container’s own', async () => {
    const files = ['memory.max', 'memory.swap.max', 'memory.low', 'cpu.max', 'pids.max'].map((name) => `${GROUP}/${name}`);
    const limits = ['--memory', '64m', '--memory-swap', '96m', '--memory-reservation', '32m', '--cpus', '0.5', '--pids-limit', '20'];
    assert.deepEqual(await printed('run', '--rm', ...limits, 'small', 'cat', ...files, '/proc/self/cgroup'), ['67108864', '33554432', '33554432', '50000 100000', '20', '0::/']);
    const forks = await suite.client.docker(HOST, ['run', '--rm', '--pids-limit', '8', 'small', 'sh', '-c', 'for i in $(seq 20); do sleep 20 & done'], { okStatus: 'any' });
    assert.match(forks.stderr, /can't fork/);
    const burn = 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; cat /sys/fs/cgroup/cpu.stat';
    assert.ok(Number(/nr_throttled (\d+)/.exec((await docker('run', '--rm', '--cpus', '0.2', 'small', 'sh', '-c', burn)).stdout)?.[1]) > 0);
  });

  it('names the limits whose controller is not delegated, and refuses to change them', async () => {
    const made = await docker('run', '-d', '--name', 'some', '--memory', '64m', '--cpuset-cpus', '0', '--device-read-bps', '/dev/vda:1mb', 'small', 'sleep', '100000');
    assert.match(made.stderr, /--cpuset-cpus \(controller cpuset\), --device-read-bps \(controller io\) had no effect/);
    assert.match((await suite.client.docker(HOST, ['update', '--cpuset-cpus', '0', 'some'], { okStatus: 'any' })).stderr, /--cpuset-cpus \(controller cpuset\)/);
    await docker('rm', '-f', 'some');
  });

  it('an end for want of memory is told from others', async () => {
    const end = await suite.client.docker(HOST, ['run', '--name', 'hungry', '--memory', '24m', '--memory-swap', '24m', 'small', 'tail', '/dev/zero'], { okStatus: 'any' });
    assert.equal(end.status, 137);
    assert.deepEqual(await printed('inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hungry'), ['true 137']);
    await docker('rm', 'hungry');
  });

  it('stats, top, update and pause work, also by an engine that was started from another login', async () => {
    await docker('run', '-d', '--name', 'steady', '--memory', '64m', '--memory-swap', '64m', 'small', 'sleep', '100000');
    await suite.machine.exec('.berth/engine/current/berth engine stop && .berth/engine/current/berth engine start', { user: 'dev' });
    await until(async () => (await suite.client.docker(HOST, ['ps', '-q'], { okStatus: 'any' })).stdout !== '', 'the next engine');
    assert.match((await printed('stats', '--no-stream', '--format', '{{.MemUsage}}, {{.PIDs}}', 'steady')).join(), /^[1-9]\S*B \/ 64MiB, 1$/);
    assert.match((await docker('top', 'steady')).stdout, /sleep 100000/);
    await docker('update', '--memory', '80m', '--memory-swap', '80m', '--pids-limit', '9', '--cpus', '0.25', 'steady');
    assert.deepEqual(await printed('exec', 'steady', 'cat', ...['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map((name) => `${GROUP}/${name}`)), [String(80 * 1024 ** 2), '0', '9', '25000 100000']);
    await docker('pause', 'steady');
    assert.match((await suite.machine.exec(`cat ${SCOPES}/*/cgroup.events`)).stdout, /frozen 1/);
    await docker('unpause', 'steady');
    assert.deepEqual(await printed('exec', 'steady', 'echo', 'goes on'), ['goes on']);
  });

  it('keeps engine and containers when the user’s last session has ended', async () => {
    await suite.client.berth(['host', 'disconnect', HOST]);
    await until(async () => !(await suite.machine.exec('loginctl list-sessions --no-legend')).stdout.includes(' dev '), 'the end of the session');
    await delay(12_000); // as long as systemd waits before it ends what belongs to a user who does not linger
    assert.equal((await suite.machine.exec('pgrep -u dev conmon | wc -l')).stdout, '1\n');
    await suite.client.berth(['--host', HOST, 'ps']);
    assert.match((await docker('ps', '--format', '{{.Names}} {{.Status}}')).stdout, /^steady Up /);
    await docker('rm', '-f', 'steady');
  });

  it('runs a dev container on a folder of the client, with ssh into it and a port of it on the client', async () => {
    const folder = join(suite.client.home, 'project');
    await mkdir(folder);
    await writeFile(join(folder, 'index.html'), 'from the client\n');
    await writeFile(join(folder, '.devcontainer.json'), JSON.stringify({ image: 'small', remoteUser: 'root', forwardPorts: [PORT], postStartCommand: `httpd -p 127.0.0.1:${PORT} -h .` }));
    await suite.client.berth(['--host', HOST, 'up', '.'], { cwd: folder });
    const page = (): Promise<string> => fetch(`http://127.0.0.1:${PORT}/`, { signal: AbortSignal.timeout(20_000) }).then((response) => response.text(), String);
    await until(async () => (await page()) === 'from the client\n', 'the page');
    await suite.client.berth(['--host', HOST, 'ssh-config']);
    const ssh = await suite.client.run('ssh', ['-F', join(suite.client.home, '.ssh/berth/config'), '-o', 'BatchMode=yes', `project.${HOST}.berth`, 'echo from inside > made; pwd']);
    assert.equal(ssh.stdout, '/workspaces/project\n');
    await until(async () => (await readFile(join(folder, 'made'), 'utf8').catch(() => '')) === 'from inside\n', 'the file from inside');
    await writeFile(join(folder, 'index.html'), 'changed\n');
    await until(async () => (await page()) === 'changed\n', 'the change');
    await suite.client.berth(['--host', HOST, 'down', '.'], { cwd: folder });
  });

  it('lets a remoteUser who is not root write the client’s folder', async () => {
    const folder = join(suite.client.home, 'theirs');
    await mkdir(folder);
    await writeFile(join(folder, 'given'), 'given\n');
    await writeFile(join(folder, '.devcontainer.json'), JSON.stringify({ image: 'small', remoteUser: '1000', postCreateCommand: 'echo more >> given && id -u > made' }));
    await suite.client.berth(['--host', HOST, 'up', '.'], { cwd: folder });
    await until(async () => (await readFile(join(folder, 'made'), 'utf8').catch(() => '')) === '1000\n', 'the file from inside');
    await until(async () => (await readFile(join(folder, 'given'), 'utf8')) === 'given\nmore\n', 'the change from inside');
    await suite.client.berth(['--host', HOST, 'down', '.'], { cwd: folder });
  });

  it('runs systemd as the first process of a container, in the control group that it was given', async () => {
    await suite.client.docker(HOST, ['import', '-', 'debian-systemd'], { input: gzipSync(await readFile(await systemdTar()), { level: 1 }) });
    await suite.client.docker(HOST, ['build', '-q', '-t', 'machine', '-'], { input: await systemdContext(suite.client.home, 'debian-systemd'), env: { DOCKER_BUILDKIT: '0' } });
    await docker('run', '-d', '--name', 'whole', '--memory', '300m', '-p', '127.0.0.1:2222:22', 'machine');
    const systemctl = (...args: string[]): Promise<RunResult> => suite.client.docker(HOST, ['exec', 'whole', 'systemctl', ...args], { okStatus: 'any' });
    await until(async () => ['running', 'degraded'].includes((await systemctl('is-system-running')).stdout.trim()), 'the default target');
    assert.equal((await systemctl('--failed', '--no-legend')).stdout, '');
    assert.equal((await systemctl('is-active', 'default.target', 'ssh', 'dbus', 'systemd-logind')).stdout, 'active\n'.repeat(4));
    assert.match((await suite.machine.exec('timeout 20 bash -c "head -1 < /dev/tcp/127.0.0.1/2222"', { user: 'dev' })).stdout, /^SSH-2.0-OpenSSH/);
    await suite.client.docker(HOST, ['exec', 'whole', 'sh', '-c', 'echo max > /sys/fs/cgroup/memory.max'], { okStatus: 'any' });
    assert.deepEqual(await printed('exec', 'whole', 'cat', '/sys/fs/cgroup/memory.max'), [String(300 * 1024 ** 2)]);
    await docker('stop', '-t', '100', 'whole');
    assert.deepEqual(await printed('inspect', '--format', '{{.State.ExitCode}}', 'whole'), ['0']);
    await docker('rm', 'whole');
  });

  it('after a restart of the machine what has a restart policy comes back with the next engine, limited as before, and the rest is said to have ended', async () => {
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
    const gone = 'ls -d /home/dev/.berth /home/dev/.local/share/berth /run/user/1000/berth /tmp/berth-1000 2>/dev/null; ls /var/lib/systemd/linger; ps -eo args | grep -E "berth|conmon|slirp4netns" | grep -v grep; true';
    let left = '';
    // A user who does not linger any more leaves when their last session has ended, which ours was.
    for (const end = Date.now() + 60_000; ; await delay(500)) {
      left = (await suite.machine.exec(gone)).stdout;
      if (left === '' || Date.now() > end) break;
    }
    assert.equal(left, '');
    assert.equal((await suite.machine.exec(`ls -d ${SCOPES} 2>/dev/null; true`)).stdout, '');
  });
});

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 300_000; !(await condition()); await delay(500)) assert.ok(Date.now() < end, `${what} did not come`);
}
