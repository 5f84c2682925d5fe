import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../../engine/host/process.ts';
import { systemdTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';
import { systemdContext } from '../../support/systemdImage.ts';

const PORT = 28910;

/** A container that looks like a whole host. */
describe('a container with systemd as its first process', () => {
  let engine: TestEngine;
  const printed = async (...args: string[]): Promise<string> => (await engine.docker(args, { okStatus: 'any' })).stdout.trim();
  /** What systemd says when it has started everything; at first it is not there to be asked. */
  const booted = async (name: string): Promise<string> => {
    for (const end = Date.now() + 60_000; ; await delay(50)) {
      const said = await printed('exec', name, 'systemctl', 'is-system-running', '--wait');
      if (said !== '' || Date.now() > end) return said;
    }
  };
  before(async () => {
    engine = await TestEngine.start({ instance: 'rcsysd' });
    await engine.docker(['import', await systemdTar(), 'debian-systemd']);
    await engine.docker(['build', '-q', '-t', 'machine', '-'], { input: await systemdContext(engine.root, 'debian-systemd') });
    await engine.docker(['run', '-d', '--name', 'whole', '-m', '256m', '-p', `127.0.0.1:${PORT}:22`, 'machine']);
  });
  after(() => engine.remove());

  it('reaches its default target, its services running and none failed, without being privileged', async () => {
    assert.equal(await booted('whole'), 'running');
    assert.equal(await printed('exec', 'whole', 'systemctl', 'is-active', 'default.target', 'ssh', 'dbus', 'systemd-logind', 'systemd-journald'), Array(5).fill('active').join('\n'));
    assert.equal(await printed('exec', 'whole', 'systemctl', '--failed', '--no-legend'), '');
    assert.notEqual(await printed('exec', 'whole', 'systemd-detect-virt', '--container'), 'none');
    assert.equal(await printed('exec', 'whole', 'printenv', 'container'), 'oci');
    assert.match(await printed('exec', 'whole', 'systemctl', 'status', '--no-pager', 'ssh'), /CGroup: \/system\.slice\/ssh\.service/);
  });

  it('lets one log in by its own sshd, with a session that logind knows', async () => {
    const options = ['-F', 'none', '-i', join(engine.root, 'id'), '-p', String(PORT), '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
    assert.equal((await run('ssh', [...options, 'root@127.0.0.1', 'hostname'])).stdout.trim(), await printed('exec', 'whole', 'hostname'));
  });

  it('cannot lift its own limits by the control group that it may write', async () => {
    const lift = 'for file in /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; do echo 1073741824 > $file; done; exit 0';
    await engine.docker(['exec', 'whole', 'sh', '-c', lift], { okStatus: 'any' });
    const [, limit] = (await printed('stats', '--no-stream', '--format', '{{.MemUsage}}', 'whole')).split(' / ');
    assert.equal(limit, '256MiB');
  });

  it('shuts down when it is stopped, and starts again', async () => {
    await engine.docker(['stop', '-t', '60', 'whole']);
    assert.equal(await printed('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'whole'), 'exited 0');
    await engine.docker(['start', 'whole']);
    assert.equal(await booted('whole'), 'running');
    await engine.docker(['rm', '-f', 'whole']);
  });

  it('also runs as Docker’s users start it, and with all rights', async () => {
    await engine.docker(['run', '-d', '--name', 'dockers', '--tmpfs', '/run', '--tmpfs', '/run/lock', '--tmpfs', '/tmp', '-v', '/sys/fs/cgroup:/sys/fs/cgroup:rw', '--cgroupns', 'host', 'machine']);
    await engine.docker(['run', '-d', '--name', 'mighty', '--privileged', 'machine']);
    for (const name of ['dockers', 'mighty']) assert.equal(await booted(name), 'running', name);
    assert.doesNotMatch(await printed('exec', 'mighty', 'ls', '/dev'), /^tty\d/m);
    await engine.docker(['rm', '-f', 'dockers', 'mighty']);
  });

  it('other programs by the names of systemd get nothing of that', async () => {
    await engine.docker(['run', '-d', '--name', 'plain', '--entrypoint', 'sh', 'machine', '-c', 'rm /sbin/init && ln -s /bin/sleep /sbin/init']);
    await engine.docker(['wait', 'plain']);
    await engine.docker(['commit', 'plain', 'other']);
    await engine.docker(['run', '-d', '--name', 'other', '--entrypoint', '/sbin/init', 'other', '1000']);
    assert.doesNotMatch(await printed('exec', 'other', 'cat', '/proc/mounts'), / \/run tmpfs/);
    assert.equal(await printed('exec', 'other', 'printenv', 'container'), '');
  });
});
