import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupFacts } from '../../../engine/host/cgroups.ts';
import { run } from '../../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../../engine/host/process.ts';
import { containerRoutes } from '../../../engine/server/routes/docker/containers.ts';
import { execRoutes } from '../../../engine/server/routes/docker/exec.ts';
import { systemRoutes } from '../../../engine/server/routes/docker/system.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { serveRoutes } from '../../support/routeServer.ts';
import { onTerminal } from '../../support/terminal.ts';

describe('the stock docker command', () => {
  let world: ContainerWorld;
  let served: Awaited<ReturnType<typeof serveRoutes>>;
  let env: NodeJS.ProcessEnv;
  before(async () => {
    world = await ContainerWorld.create('dcli');
    const facts = { version: '0', id: 'test', dataRoot: world.root, runtimeName: () => 'crun', cgroupVersion: '1' as const, controllers: () => undefined, swapLimit: true, rootless: false, osName: 'Linux', warnings: () => [] };
    served = await serveRoutes([...systemRoutes(facts, { containers: () => world.containers.usage.counts(), images: () => 1 }, world.events), ...containerRoutes(world.containers), ...execRoutes(world.containers)]);
    env = { ...process.env, DOCKER_HOST: `unix://${served.client.socketPath}`, DOCKER_CONFIG: join(world.root, 'docker') };
  });
  after(async () => {
    await world.remove();
    await served[Symbol.asyncDispose]();
  });
  const docker = (args: readonly string[], options: RunOptions = {}): Promise<RunResult> => run('docker', args, { env, okStatus: 'any', signal: AbortSignal.timeout(30_000), ...options });

  it('runs a command with both streams, its input and its exit status', async () => {
    const { status, stdout, stderr } = await docker(['run', '--rm', '-i', 'debian', 'sh', '-c', 'cat; echo err >&2; exit 7'], { input: 'typed\n' });
    assert.deepEqual([status, stdout, stderr], [7, 'typed\n', 'err\n']);
    assert.equal((await docker(['ps', '-aq'])).stdout, '');
  });

  it('says 127 and 126 as always', async () => {
    const missing = await docker(['run', '--rm', 'debian', 'nonsense']);
    assert.equal(missing.status, 127);
    assert.match(missing.stderr, /exec: "nonsense": executable file not found in \$PATH/);
    assert.equal((await docker(['run', '--rm', 'debian', '/etc/passwd'])).status, 126);
    assert.equal((await docker(['ps', '-aq'])).stdout, '');
  });

  it('shows, follows, enters, measures, stops, waits for and removes a container', async () => {
    const id = (await docker(['run', '-d', '--name', 'web', '--label', 'a=b', '-p', '127.0.0.1:28941:80', '-m', '64m', 'debian', 'sh', '-c', 'echo ready; exec sleep 1000'])).stdout.trim();
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.match((await docker(['ps', '--filter', 'label=a=b'])).stdout, /web\n$/);
    assert.equal((await docker(['port', 'web'])).stdout, '80/tcp -> 127.0.0.1:28941\n');
    for (const end = Date.now() + 10_000; (await docker(['logs', 'web'])).stdout === '' && Date.now() < end; );
    assert.equal((await docker(['logs', 'web'])).stdout, 'ready\n');
    assert.equal((await docker(['exec', '-e', 'A=1', 'web', 'sh', '-c', 'echo $A'])).stdout, '1\n');
    assert.match((await docker(['top', 'web'])).stdout, /sleep 1000/);
    assert.match((await docker(['stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', 'web'])).stdout, cgroupFacts().usable ? /\/ 64MiB 1\n$/ : /iB 1\n$/);
    assert.equal((await docker(['inspect', '-f', '{{.State.Running}} {{.HostConfig.Memory}} {{(index .NetworkSettings.Networks "bridge").IPAddress}}', 'web'])).stdout.replace(/[\d.]+\n$/, 'IP'), 'true 67108864 IP');
    const waiting = docker(['wait', 'web']);
    assert.equal((await docker(['stop', '-t', '1', 'web'])).stdout, 'web\n');
    assert.equal((await waiting).stdout, '137\n');
    assert.match((await docker(['ps', '-a'])).stdout, /Exited \(137\) /);
    assert.equal((await docker(['start', 'web'])).stdout, 'web\n');
    assert.equal((await docker(['restart', '-t', '0', 'web'])).stdout, 'web\n');
    assert.equal((await docker(['rm', '-f', 'web'])).stdout, 'web\n');
    const gone = await docker(['inspect', 'web']);
    assert.equal(gone.status, 1);
  });

  it('gives a terminal', async () => {
    const { screen, status } = await onTerminal(['docker', 'run', '--rm', '-it', 'debian', 'bash', '--norc'], [{ when: /# $/, say: 'tty\r' }, { when: /\/dev\/pts\/0[^]*# $/, say: 'exit 5\r' }], { env, signal: AbortSignal.timeout(20_000) });
    assert.match(screen, /\/dev\/pts\/0/);
    assert.equal(status, 5);
  });

  it('execs in a terminal', async () => {
    await docker(['run', '-d', '--name', 'box', 'debian', 'sleep', '1000']);
    const { screen, status } = await onTerminal(['docker', 'exec', '-it', 'box', 'bash', '--norc'], [{ when: /# $/, say: 'hostname; exit 3\r' }], { env, signal: AbortSignal.timeout(20_000) });
    assert.match(screen, /\r[0-9a-f]{12}\r\n/);
    assert.equal(status, 3);
    await docker(['rm', '-f', 'box']);
  });

  it('copies files and folders in and out, of running and stopped containers, never through links to the host', async () => {
    const folder = join(world.root, 'copy');
    await mkdir(join(folder, 'tree/sub'), { recursive: true });
    await writeFile(join(folder, 'tree/sub/file'), 'hello');
    await symlink('sub/file', join(folder, 'tree/link'));
    await docker(['create', '--name', 'cp', '-v', 'cpvol:/vol', '--tmpfs', '/mem', 'debian', 'sleep', '1000']);
    for (const state of ['created', 'running']) {
      if (state === 'running') await docker(['start', 'cp']);
      assert.equal((await docker(['cp', join(folder, 'tree'), `cp:/srv/${state}`])).status, 0);
      assert.equal((await docker(['cp', join(folder, 'tree/sub/file'), `cp:/vol/${state}`])).status, 0);
      assert.equal((await docker(['cp', `cp:/srv/${state}`, join(folder, `back-${state}`)])).status, 0);
      assert.equal(await readFile(join(folder, `back-${state}/link`), 'utf8'), 'hello');
      assert.equal((await docker(['cp', `cp:/vol/${state}`, join(folder, `vol-${state}`)])).status, 0);
      assert.match((await docker(['cp', 'cp:/nowhere', folder])).stderr, /Could not find the file \/nowhere/);
    }
    // Behind a link, under the link's name; the folder itself only when a dot says so.
    await docker(['exec', 'cp', 'ln', '-s', 'running', '/srv/where']);
    for (const [path, names] of [['/srv/where/', 'where/ where/link where/sub/ where/sub/file'], ['/srv/running/', 'running/ running/link running/sub/ running/sub/file'], ['/srv/where/.', './ ./link ./sub/ ./sub/file']] as const) {
      assert.equal((await run('sh', ['-c', 'docker cp "$1" - | tar -tf - | sort | paste -sd " "', 'sh', `cp:${path}`], { env })).stdout, `${names}\n`);
    }
    // What is in memory exists while it runs only.
    assert.equal((await docker(['cp', join(folder, 'tree'), 'cp:/mem'])).status, 0);
    assert.equal((await docker(['cp', 'cp:/mem/tree/link', '-'])).status, 0);
    assert.equal((await docker(['exec', 'cp', 'stat', '-f', '-c', '%T', '/mem/tree/sub/file'])).stdout, 'tmpfs\n');
    await docker(['exec', 'cp', 'sh', '-c', `ln -s ${folder} /out; ln -s / /root-link`]);
    assert.notEqual((await docker(['cp', join(folder, 'tree/sub/file'), 'cp:/out/planted'])).status, 0);
    assert.equal((await docker(['cp', 'cp:/root-link/etc/hostname', join(folder, 'theirs')])).status, 0);
    assert.match(await readFile(join(folder, 'theirs'), 'utf8'), /^[0-9a-f]{12}\n$/);
    await assert.rejects(readFile(join(folder, 'planted')), { code: 'ENOENT' });
    await docker(['rm', '-f', 'cp']);
    await world.volumes.remove('cpvol');
  });

  it('is told what is wrong', async () => {
    assert.match((await docker(['run', '--rm', 'nothing-here', 'true'])).stderr, /No such image|not found|page not found/);
    assert.match((await docker(['start', 'nobody'])).stderr, /No such container: nobody/);
    assert.match((await docker(['run', '--rm', '-m', '1m', 'debian', 'true'])).stderr, /Minimum memory limit allowed is 6MB/);
    assert.match((await docker(['create', '--name', '_bad name', 'debian'])).stderr, /Invalid container name/);
    assert.match((await docker(['create', '--platform', 'linux/s390x', '--pull', 'never', 'debian'])).stderr, /platform \(linux\/\w+\) does not match the specified platform \(linux\/s390x\)/);
    assert.match((await docker(['run', '--network', 'container:nobody', 'debian', 'true'])).stderr, /^docker: Error response from daemon: No such container: nobody/);
    assert.match((await docker(['run', '--volumes-from', 'nobody', 'debian', 'true'])).stderr, /^docker: Error response from daemon: No such container: nobody/);
    assert.match((await docker(['ps', '--filter', 'status=bogus'])).stderr, /invalid filter: 'status=bogus'/);
    assert.match((await docker(['container', 'prune', '-f', '--filter', 'bogus=1'])).stderr, /invalid filter: 'bogus'/);
    await docker(['run', '--name', 'silent', '--log-driver', 'none', 'debian', 'true']);
    assert.match((await docker(['logs', 'silent'])).stderr, /configured logging driver does not support reading/);
    await docker(['rm', 'silent']);
    await docker(['run', '-d', '--name', 'box', 'debian', 'sleep', '1000']);
    assert.match((await docker(['rename', 'box', 'box'])).stderr, /same name as its current name/);
    const nobody = await docker(['exec', '-u', 'nosuch', 'box', 'true']);
    assert.deepEqual([nobody.status, nobody.stdout], [126, 'unable to find user nosuch: no matching entries in passwd file\r\n']);
    await docker(['rm', '-f', 'box']);
  });

  it('sees in inspect what protects a container', async () => {
    await docker(['create', '--name', 'plain', '--tmpfs', '/t', 'debian', 'true']);
    await docker(['create', '--name', 'free', '--privileged', 'debian', 'true']);
    const { stdout } = await docker(['inspect', '-f', '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}} {{json .Mounts}}', 'plain', 'free']);
    assert.match(stdout, /^\["\/proc\/asound",.*\] \["\/proc\/bus",.*\] \[\]\nnull null \[\]\n$/);
    await docker(['rm', 'plain', 'free']);
  });
});
