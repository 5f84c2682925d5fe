import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { needs } from '../../support/needs.ts';

interface Inspect {
  readonly State: { Status: string; Running: boolean; ExitCode: number; Error: string; Pid: number; OOMKilled: boolean };
  readonly Name: string;
  readonly RestartCount: number;
  readonly NetworkSettings: { Ports: Record<string, Array<{ HostIp: string; HostPort: string }> | null>; Networks: Record<string, { IPAddress: string }> };
  readonly Mounts: Array<{ Type: string; Name?: string; Source: string; Destination: string; RW: boolean }>;
}

describe('the life of a container', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('life')));
  after(() => world.remove());
  const inspect = (ref: string): Inspect => world.containers.inspect(ref) as Inspect;

  it('runs a command, keeps what it wrote on both streams, and gives its exit status', async () => {
    assert.deepEqual(await world.run('echo out; echo err >&2; printf end; exit 7'), { exitCode: 7, stdout: 'out\nend', stderr: 'err\n' });
  });

  it('announces what happens, in order', async () => {
    const seen: string[] = [];
    const listener = world.events.on(({ type, action }) => type === 'container' && seen.push(action));
    await world.run('true');
    listener.dispose();
    assert.deepEqual(seen, ['create', 'start', 'die', 'destroy']);
  });

  it('has a host name, hosts, name servers, an address and a way out', async () => {
    const { stdout } = await world.run('hostname; cat /etc/hosts; cat /etc/resolv.conf; cat /proc/net/route', { Hostname: 'box', HostConfig: { ExtraHosts: ['db:10.1.2.3'] } });
    assert.match(stdout, /^box\n/);
    assert.match(stdout, /\n10\.1\.2\.3\tdb\n[\d.]+\tbox\n/);
    assert.match(stdout, /\nnameserver /);
    assert.match(stdout, /eth0\t00000000/);
  });

  it('leaves nothing in its upper directory but what the command changed', async () => {
    const { id } = await world.finish('true', { HostConfig: { Binds: ['/usr/share:/workspaces/app', 'vol1:/data/deep'] } });
    assert.deepEqual(await readdir(world.containers.find(id).paths.upper), []);
    await world.containers.remove(id, { volumes: true });
    await world.volumes.remove('vol1');
  });

  it('says 127 for a command that is not there and 126 for one that cannot be run, and can be started later', async () => {
    const { id } = await world.containers.create({ Image: 'debian', Cmd: ['nonsense'] });
    await assert.rejects(world.containers.start(id), (error: Error) => /exec: "nonsense": executable file not found in \$PATH/.test(error.message) && 'status' in error && error.status === 400);
    assert.deepEqual([inspect(id).State.Status, inspect(id).State.ExitCode], ['created', 127]);
    await world.containers.remove(id);
    const other = await world.containers.create({ Image: 'debian', Cmd: ['/etc/passwd'] });
    await assert.rejects(world.containers.start(other.id), /permission denied/);
    assert.equal(inspect(other.id).State.ExitCode, 126);
    await world.containers.remove(other.id);
  });

  it('ends by its stop signal, or is killed when it does not listen', async () => {
    const kind = await world.start(['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done']);
    while ((await world.logs(kind)) === '') await delay(10); // the trap is set
    assert.equal(await world.containers.stop(kind, { timeout: 10 }), true);
    assert.equal(inspect(kind).State.ExitCode, 3);
    assert.equal(await world.containers.stop(kind), false);
    const deaf = await world.start(['sleep', '1000']);
    const begun = performance.now();
    await world.containers.stop(deaf, { timeout: 1 });
    assert.ok(performance.now() - begun < 5000);
    assert.equal(inspect(deaf).State.ExitCode, 137);
    await Promise.all([kind, deaf].map((id) => world.containers.remove(id)));
  });

  it('starts again with what it had changed, and its log goes on', async () => {
    const { id } = await world.finish('echo run; [ -f /mark ] && echo marked; touch /mark');
    const ended = world.containers.wait(id, 'next-exit');
    assert.equal(await world.containers.start(id), true);
    await ended;
    assert.equal(await world.logs(id), 'run\nrun\nmarked\n');
    await world.containers.restart(id);
    await world.containers.remove(id, { force: true });
  });

  it('is refused twice under one name, renamed, and found by its new name', async () => {
    const id = await world.start(['sleep', '1000'], {}, 'first');
    await assert.rejects(world.containers.create({ Image: 'debian', Cmd: ['true'] }, 'first'), { code: 'NAME_IN_USE', status: 409 });
    await world.containers.rename('first', 'second');
    assert.equal(inspect('second').Name, '/second');
    assert.throws(() => world.containers.find('first'), { code: 'NO_SUCH_CONTAINER' });
    await assert.rejects(world.containers.remove('second'), { code: 'CONTAINER_RUNNING', status: 409 });
    await world.containers.remove(id.slice(0, 12), { force: true });
    assert.throws(() => world.containers.find(id), { status: 404 });
  });

  it('pauses and goes on', async function () {
    needs(this, 'cgroups');
    const id = await world.start(['sh', '-c', 'while :; do echo tick; sleep 0.02; done']);
    await world.containers.pause(id);
    const before = (await world.logs(id)).length;
    await delay(200);
    assert.equal((await world.logs(id)).length, before);
    assert.equal(inspect(id).State.Status, 'paused');
    assert.throws(() => world.containers.execs.create(id, { Cmd: ['true'] }), { code: 'CONTAINER_PAUSED' });
    await world.containers.unpause(id);
    await delay(200);
    assert.ok((await world.logs(id)).length > before);
    await world.containers.remove(id, { force: true });
  });

  it('removes itself when told to, whatever its end', async () => {
    const { id } = await world.containers.create({ Image: 'debian', Cmd: ['sh', '-c', 'exit 4'], HostConfig: { AutoRemove: true } });
    const removed = world.containers.wait(id, 'removed');
    await world.containers.start(id);
    assert.deepEqual(await removed, { statusCode: 4 });
    assert.throws(() => world.containers.find(id), { status: 404 });
  });

  it('is started again by its restart policy until its user stops it', async () => {
    const id = await world.start(['sh', '-c', 'exit 1'], { HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } } });
    while (inspect(id).RestartCount < 2 || inspect(id).State.Status !== 'exited') await delay(20);
    await delay(300);
    assert.equal(inspect(id).RestartCount, 2);
    await world.containers.remove(id, { force: true });
  });

  it('publishes ports, on a free one where none is named, and gives them back', async () => {
    const id = await world.start(['perl', '-MIO::Socket::INET', '-e', 'my $s=IO::Socket::INET->new(LocalPort=>80,Listen=>5,ReuseAddr=>1) or die; while(my $c=$s->accept){print $c "hello\\n";close $c}'], { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1' }] } } });
    const [binding] = inspect(id).NetworkSettings.Ports['80/tcp'] ?? [];
    assert.ok(binding);
    assert.equal(await answerOf(Number(binding.HostPort)), 'hello\n');
    await world.containers.remove(id, { force: true });
    await assert.rejects(answerOf(Number(binding.HostPort), 1));
  });

  it('says which port is taken, and leaves nothing running', async () => {
    const ports = (HostPort: string) => ({ HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort }] } } });
    const first = await world.start(['sleep', '1000'], ports('28931'));
    const { id } = await world.containers.create({ Image: 'debian', Cmd: ['sleep', '1000'], ...ports('28931') });
    await assert.rejects(world.containers.start(id), { code: 'PORT_IN_USE' });
    assert.equal(inspect(id).State.Running, false);
    await Promise.all([first, id].map((one) => world.containers.remove(one, { force: true })));
  });

  it("shares another container's network, processes and memory when asked", async () => {
    const id = await world.start(['sleep', '1000'], { HostConfig: { IpcMode: 'shareable' } }, 'shared');
    await world.exec(id, ['touch', '/dev/shm/common']);
    const { stdout } = await world.run('hostname; ls /dev/shm; cat /proc/1/comm', { HostConfig: { NetworkMode: 'container:shared', PidMode: 'container:shared', IpcMode: 'container:shared' } });
    assert.match(stdout, /common\nsleep\n$/);
    const { stdout: host } = await world.run(`cat /proc/net/dev | grep -c br-${world.instance}`, { HostConfig: { NetworkMode: 'host' } });
    assert.equal(host, '1\n');
    const { stdout: none } = await world.run('cat /proc/net/dev | tail -n +3 | cut -d: -f1', { HostConfig: { NetworkMode: 'none' } });
    assert.equal(none.trim(), 'lo');
    await world.containers.remove(id, { force: true });
  });

  it('fills a new volume from the image, keeps named volumes and removes anonymous ones with -v', async () => {
    const request = { HostConfig: { Binds: ['site:/etc/apt', '/var/cache/apt'] } };
    const { id, stdout } = await world.finish('ls /etc/apt | head -1; stat -c %a /etc/apt; touch /etc/apt/mine', request);
    assert.match(stdout, /^apt\.conf\.d\n755\n$/);
    const anonymous = inspect(id).Mounts.find(({ Destination }) => Destination === '/var/cache/apt')?.Name ?? '';
    await world.containers.remove(id, { volumes: true });
    assert.throws(() => world.volumes.inspect(anonymous), { code: 'NO_SUCH_VOLUME' });
    assert.equal((await world.run('ls /etc/apt/mine', request)).stdout, '/etc/apt/mine\n');
    await world.volumes.remove('site');
  });

  it('makes its working directory, and runs as the user that is named', async () => {
    const { stdout } = await world.run('pwd; id -u; id -g; echo $HOME; stat -c %u .', { WorkingDir: '/srv/app/x', User: 'games' });
    assert.equal(stdout, '/srv/app/x\n5\n60\n/usr/games\n0\n');
    await assert.rejects(world.run('true', { User: 'nobody-there' }), /unable to find user nobody-there/);
  });

  it('has an init that reaps, without a trace in the root file system', async () => {
    const { stdout } = await world.run('cat /proc/1/comm; echo $$; ls /sbin | grep -c init$', { HostConfig: { Init: true } });
    assert.match(stdout, /^(catatonit|init|tini-static|docker-init)\n(?!1\n)\d+\n0\n$/);
  });

  it('changes limits while it runs', async function () {
    needs(this, 'cgroups');
    const id = await world.start(['sleep', '1000'], { HostConfig: { Memory: 64 * 1024 * 1024, PidsLimit: 50 } });
    await world.containers.update(id, { PidsLimit: 33 });
    const { cgroups, cgroupParent } = world.containers.parts;
    const file = cgroups.version === '2' ? `/sys/fs/cgroup${cgroupParent}/${id}/pids.max` : `/sys/fs/cgroup/pids${cgroupParent}/${id}/pids.max`;
    assert.equal((await readFile(file, 'utf8')).trim(), '33');
    await world.containers.remove(id, { force: true });
  });

  it('prunes those that do not run', async () => {
    const { id } = await world.finish('head -c 300000 /dev/zero > /big', { Labels: { temp: 'yes' } });
    const running = await world.start(['sleep', '1000']);
    const { removed, bytes } = await world.containers.prune({ label: ['temp'] });
    assert.deepEqual(removed, [id]);
    assert.equal(bytes, 300_000);
    await world.containers.remove(running, { force: true });
  });

  it('shows processes and figures', async () => {
    const id = await world.start(['sleep', '1000']);
    const top = (await world.containers.top(id, '-o pid,comm')) as { Titles: string[]; Processes: string[][] };
    assert.deepEqual([top.Titles, top.Processes[0]?.[1]], [['PID', 'COMMAND'], 'sleep']);
    const figures = world.containers.stats(id, { stream: false, oneShot: false }, new AbortController().signal);
    const { value } = (await figures.next()) as { value: { memory_stats: { usage: number; limit: number }; pids_stats: { current: number }; cpu_stats: { system_cpu_usage: number }; precpu_stats: { system_cpu_usage: number }; networks: object } };
    assert.ok(value.memory_stats.usage > 0 && value.memory_stats.limit > value.memory_stats.usage);
    assert.equal(value.pids_stats.current, 1);
    assert.ok(value.cpu_stats.system_cpu_usage > value.precpu_stats.system_cpu_usage);
    assert.deepEqual(Object.keys(value.networks), ['eth0']);
    await world.containers.remove(id, { force: true });
  });
});

/** What a server on this port of the host says; tries a few times while it starts. */
async function answerOf(port: number, attempts = 50): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect(port, '127.0.0.1');
        socket.setTimeout(2000, () => socket.destroy(new Error('timeout')));
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        socket.on('error', reject);
        socket.on('end', () => (text === '' ? reject(new Error('no answer')) : resolve(text)));
      });
    } catch (error) {
      if (attempt >= attempts) throw error;
      await delay(50);
    }
  }
}
