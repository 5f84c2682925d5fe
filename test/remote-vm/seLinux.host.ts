import assert from 'node:assert/strict';
import { busyboxTar } from '../support/smallImage.ts';
import { machineSuite } from './machineSuite.ts';

const HOST = 'vmlabels';
const CURRENT = ['cat', '/proc/self/attr/current'];
const PROCESS = 'system_u:system_r:container_t';
const FILES = 'system_u:object_r:container_file_t';

/**
 * SELinux in a kernel that says what it would refuse, and refuses nothing; with the types of containers, but without their rights (machineScripts.ts): what gets which label
 * is the kernel's word, what a policy makes of it is not shown.
 */
describe('root on a server with SELinux', () => {
  const suite = machineSuite(HOST, 'root', 'security=selinux selinux=1 enforcing=0');
  const { docker, printed } = suite;
  const on = async (command: string): Promise<string> => (await suite.machine.exec(command)).stdout.replaceAll('\0', '').trim();
  const refusal = async (...args: string[]): Promise<string> => (await suite.client.docker(HOST, ['run', '--rm', ...args, 'small', 'true'], { okStatus: 'any' })).stderr;
  const said = async (...args: string[]): Promise<string> => (await docker(...args, ...CURRENT)).stdout.replaceAll('\0', '').trim();
  const labelOf = (...how: string[]): Promise<string> => said('run', '--rm', ...how, 'small');
  let level = '';

  it('gives labels once its engine is told to', async () => {
    await on('echo BERTH_SELINUX=on >> /etc/environment');
    assert.match((await suite.client.berth(['--host', HOST, 'ps'])).stdout, /CONTAINER ID/);
    await suite.client.docker(HOST, ['import', '-', 'small'], { input: await busyboxTar() });
    assert.equal((await printed('info', '--format', '{{.SecurityOptions}}')).join(), '[name=seccomp,profile=builtin name=selinux]');
  });

  it('a container’s processes, file systems and files have a pair of categories of its own, also when it starts again', async () => {
    await on('mkdir -p /srv/mine/below /srv/all /srv/plain; touch /srv/mine/below/f /srv/all/f');
    await docker('run', '-d', '--name', 'one', '--ipc', 'shareable', '-v', '/srv/mine:/mine:Z', '-v', '/srv/all:/all:z', '-v', '/srv/plain:/plain', '-v', 'vol:/vol', '--tmpfs', '/t', 'small', 'sleep', '100000');
    level = /^system_u:system_r:container_t:(s0:c\d+,c\d+)$/.exec(await said('exec', 'one'))?.[1] ?? '';
    assert.notEqual(level, '');
    assert.deepEqual(await printed('inspect', '--format', '{{.ProcessLabel}} {{.MountLabel}}', 'one'), [`${PROCESS}:${level} ${FILES}:${level}`]);
    const pid = (await printed('inspect', '--format', '{{.State.Pid}}', 'one')).join();
    const labels = (paths: readonly string[]): Promise<string> => on(`ls -dZ ${paths.join(' ')} | awk '{ print $1 }' | sort | uniq -c | tr -s " "`);
    const inside = ['/', '/bin/sh', '/etc/hosts', '/etc/resolv.conf', '/dev/shm', '/dev/pts', '/t', '/mine', '/mine/below/f'].map((path) => `/proc/${pid}/root${path}`);
    assert.equal(await labels(inside), `${inside.length} ${FILES}:${level}`);
    assert.equal(await labels(['/srv/all/f', '/var/lib/berth/volumes/vol/_data']), `2 ${FILES}:s0`);
    assert.match(await labels(['/srv/plain']), /:var_t:s0$/);
    await docker('restart', '-t', '0', 'one');
    assert.equal(await said('exec', 'one'), `${PROCESS}:${level}`);
  });

  it('they can be named, shared and done without, and what cannot be is refused by name', async () => {
    assert.equal(await labelOf('--security-opt', 'label=level:s0:c5,c6'), `${PROCESS}:s0:c5,c6`);
    assert.equal(await labelOf('--pid', 'container:one', '--ipc', 'container:one', '--network', 'container:one'), `${PROCESS}:${level}`);
    const other = await labelOf();
    assert.ok(other.startsWith(`${PROCESS}:s0:c`) && other !== `${PROCESS}:${level}`, other);
    for (const how of [['--security-opt', 'label=disable'], ['--privileged'], ['--pid', 'host']]) assert.doesNotMatch(await labelOf(...how), /container_t/, how.join());
    assert.match(await refusal('--security-opt', 'label=type:nonsense_t'), /policy .* knows no context system_u:system_r:nonsense_t:s0:c/);
    assert.match(await refusal('-v', '/usr:/u:Z'), /SELinux relabeling of \/usr is not allowed/);
  });

  it('they do not leave the host with what is copied and made of it', async () => {
    await docker('exec', 'one', 'sh', '-c', 'echo made > /made; echo v > /vol/made');
    assert.doesNotMatch((await docker('cp', 'one:/made', '-')).stdout, /selinux/);
    await docker('commit', 'one', 'committed');
    await suite.client.docker(HOST, ['build', '-q', '-t', 'built', '-'], { input: 'FROM committed\nRUN echo built > /built\n', env: { DOCKER_BUILDKIT: '0' } });
    assert.deepEqual(await printed('run', '--rm', 'built', 'cat', '/made', '/built'), ['made', 'built']);
    assert.doesNotMatch((await docker('save', 'built')).stdout, /security\.selinux/);
  });

  it('containers touch nothing of the host’s that is not labelled for them', async () => {
    await docker('exec', 'one', 'sh', '-c', 'cp /bin/busybox /own; /own true; cat /mine/below/f /etc/hosts; echo x > /dev/shm/x; echo x > /vol/x');
    await docker('rm', '-f', 'one');
    const seen = await on(`dmesg | grep 'avc: .*scontext=${PROCESS}:' | sed 's/.*tcontext=\\([^ ]*\\) tclass=\\([^ ]*\\).*/\\1 \\2/' | sort -u`);
    const touched = seen.split('\n');
    assert.ok(touched.some((line) => line.startsWith(FILES)), 'the kernel says what it would refuse');
    // But for their own and the kernel's files: descriptors and nameless pipes that the monitor hands over.
    assert.deepEqual(touched.filter((line) => !/:container(_ro)?(_file)?_t:|:(proc|sysctl|sysfs|cgroup|devpts)\w*_t:|:unconfined_t:.* (fd|fifo_file|process)$/.test(line)), []);
  });
});
