import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { buildEventSchema } from '../../../engine/api/berth/build.ts';
import type { BuildEvent } from '../../../engine/api/berth/build.ts';
import { ApiError } from '../../../engine/api/client.ts';
import type { ApiClient } from '../../../engine/api/client.ts';
import { EventBus } from '../../../engine/base/eventBus.ts';
import { run, start } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { berthBuildRoutes } from '../../../engine/server/routes/berth/build.ts';
import { dockerBuildRoutes } from '../../../engine/server/routes/docker/build.ts';
import { systemRoutes } from '../../../engine/server/routes/docker/system.ts';
import { BuildWorld } from '../../support/buildWorld.ts';
import { commitAll, serveFiles } from '../../support/fileServer.ts';
import { serveRoutes } from '../../support/routeServer.ts';

describe('builds over the API', () => {
  let world: BuildWorld;
  let served: Awaited<ReturnType<typeof serveRoutes>>;
  let client: ApiClient;
  const environment = (): NodeJS.ProcessEnv => ({ ...process.env, DOCKER_BUILDKIT: '0', DOCKER_HOST: `unix://${client.socketPath}`, DOCKER_CONFIG: `${world.root}/docker-config` });
  const docker = (...args: string[]): Promise<RunResult> => run('docker', args, { env: environment(), okStatus: 'any' });

  before(async () => {
    world = await BuildWorld.create('blda');
    const facts = { version: '0', id: 'x', dataRoot: world.dataRoot, runtimeName: () => 'crun', cgroupVersion: '1' as const, controllers: () => undefined, swapLimit: true, rootless: false, osName: '', warnings: () => [] };
    const counts = { containers: () => ({ running: 0, paused: 0, stopped: 0 }), images: () => 0 };
    served = await serveRoutes([...systemRoutes(facts, counts, new EventBus()), ...dockerBuildRoutes(world.service), ...berthBuildRoutes(world.service)]);
    client = served.client;
    await world.write('app', { Dockerfile: 'ARG BASE\nFROM $BASE AS one\nRUN echo made > /made\nFROM $BASE\nARG MSG\nCOPY --from=one /made /made\nCOPY . /ctx\nRUN ls -A /ctx; cat /made; echo "$MSG"\n', 'app.txt': 'a', 'skip.log': 'b', '.dockerignore': '*.log\n' });
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await world.remove();
  });
  afterEach(async () => assert.deepEqual(await world.leftovers(), []));

  it('serve the unmodified docker CLI', async () => {
    const args = ['build', '-t', 'app:1', '-t', 'other', '--build-arg', 'BASE=debian', '--build-arg', 'MSG=hello', '--label', 'l=v', world.context('app')];
    const first = await docker(...args);
    assert.equal(first.status, 0, first.stderr);
    for (const line of [/^Step 1\/7 : FROM \$BASE AS one$/m, /^Step 7\/7 : RUN ls/m, /^app\.txt$/m, /^made$/m, /^hello$/m, /^Successfully built [0-9a-f]{12}$/m, /^Successfully tagged app:1\nSuccessfully tagged other:latest$/m]) assert.match(first.stdout, line);
    assert.doesNotMatch(first.stdout, /skip\.log/);
    const image = await world.resolve('other:latest');
    assert.deepEqual(image.config.config?.Labels, { l: 'v' });
    const second = await docker(...args);
    assert.equal(second.stdout.match(/---> Using cache/g)?.length, 4);
    assert.ok(second.stdout.includes(`Successfully built ${image.id.slice(7, 19)}`));
    assert.equal((await docker(...args, '-q')).stdout, `${image.id}\n`);
  });

  it('take a Dockerfile from standard input, whose archive the docker CLI leaves without an end', async () => {
    const { status, stdout, stderr } = await run('docker', ['build', '-f', '-', world.context('app')], { env: environment(), okStatus: 'any', input: 'FROM debian\nCOPY app.txt /\nRUN cat /app.txt\n' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Step 3\/3.*\na/m);
  });

  it('give commands the hosts, shared memory and limits that the docker CLI asks for, and the image nothing of it', async () => {
    const server = createServer((socket) => socket.end('of the host\n')).listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await world.write('hosts', { Dockerfile: `FROM debian\nRUN grep -h "\\.test$" /etc/hosts | grep -v host > /seen; ulimit -n >> /seen; df -B1 --output=size /dev/shm | tail -1 >> /seen; bash -c 'head -1 < /dev/tcp/host.test/${port}' >> /seen\nRUN cat /seen\n` });
      const args = (...more: string[]): string[] => ['build', '-t', 'hosts', '--add-host', 'host.test:host-gateway', '--add-host', 'six.test=[fd00::7]', '--shm-size', '8m', '--ulimit', 'nofile=100:200', ...more, world.context('hosts')];
      const { status, stdout, stderr } = await docker(...args('--add-host', 'db.test:10.9.8.7'));
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^fd00::7\tsix\.test\n10\.9\.8\.7\tdb\.test\n100\n *8388608\nof the host$/m);
      const made = await run('find', ['.', '-path', './etc*'], { cwd: await world.folderWith('hosts', 'seen') });
      assert.equal(made.stdout, '');
      const cached = async (...more: string[]): Promise<number> => (await docker(...args(...more))).stdout.match(/---> Using cache/g)?.length ?? 0;
      assert.equal(await cached('--add-host', 'db.test:10.9.8.6'), 2, 'where a host is found is no part of what a step is, as with BuildKit');
      assert.equal(await cached('--add-host', 'other.test:10.9.8.7'), 0, 'but its name is');
      assert.match((await docker(...args('--ulimit', 'nofile=7:5'))).stderr, /soft limit/);
    } finally {
      server.close();
    }
  });

  it('fetch a context that is elsewhere: an archive, a Dockerfile alone, a folder of a Git repository', async () => {
    const files = await world.write('served', { 'archive/Dockerfile.other': 'FROM debian\nCOPY a.txt b* /in/\n', 'archive/a.txt': 'a', 'archive/b.log': 'b', 'archive/.dockerignore': '*.log\n', 'alone': 'FROM debian\nRUN echo alone > /in\n', 'page': '<!DOCTYPE html><p>Log in', 'project/sub/dockerfile': 'FROM debian\nCOPY which /in\n', 'project/sub/which': 'of the repository' });
    await run('tar', ['-czf', join(files, 'archive.tgz'), '-C', join(files, 'archive'), '.']);
    await commitAll(join(files, 'project'), 'branch');
    await run('git', ['clone', '-q', '--bare', join(files, 'project'), join(files, 'project.git')]);
    await run('git', ['-C', join(files, 'project.git'), 'update-server-info']);
    await using server = await serveFiles(files);
    const dockerode = new Dockerode({ socketPath: client.socketPath });
    const build = async (remote: string, more: object = {}): Promise<string> => readText(await dockerode.buildImage(undefined as never, { remote, t: 'remote', ...more }) as Readable);
    await build(server.url('/archive.tgz'), { dockerfile: 'Dockerfile.other' });
    assert.equal(await world.readFile('remote', 'in/a.txt'), 'a');
    await assert.rejects(world.readFile('remote', 'in/b.log'), /has no in/);
    assert.match(await build(server.url('/alone'), { dockerfile: 'ignored' }), /Successfully tagged remote:latest/);
    assert.equal(await world.readFile('remote', 'in'), 'alone\n');
    const { id: alone } = await world.resolve('remote');
    await build(`${server.url('/project.git')}#branch:sub`);
    assert.equal(await world.readFile('remote', 'in'), 'of the repository', 'also of a server that has only files, and with a Dockerfile in lower case');
    for (const [address, message] of [[server.url('/none'), /the server answered 404/], [server.url('/page'), /neither an archive .* nor a Dockerfile/], ['/etc', /"\/etc" is neither the address/]] as const) await assert.rejects(build(address), message);
    // The docker CLI itself fetches what it is given an address of, and sends it.
    assert.equal((await docker('build', '-q', server.url('/alone'))).stdout, `${alone}\n`);
  });

  it('tell the docker CLI why a build failed', async () => {
    await world.write('bad', { Dockerfile: 'FROM debian\nRUN echo before; exit 7\n' });
    const failing = await docker('build', world.context('bad'));
    assert.equal(failing.status, 7);
    assert.match(failing.stdout, /^before$/m);
    assert.match(failing.stderr, /The command '\/bin\/sh -c echo before; exit 7' returned a non-zero code: 7/);
    await world.write('bad', { Dockerfile: 'FROM debian\nNONSENSE\n' });
    const broken = await docker('build', world.context('bad'));
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /Error response from daemon: Dockerfile:2:1: unknown instruction: NONSENSE/);
  });

  it('stop when their client goes away', async () => {
    await world.write('gone', { Dockerfile: 'FROM debian\nRUN echo begun; sleep 60\n' });
    const child = start('docker', ['build', world.context('gone')], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    while (!/^begun$/m.test(printed) && child.exitCode === null) await delay(20);
    assert.equal(world.service.running, 1, printed);
    child.kill('SIGKILL');
    for (let i = 0; i < 500 && world.service.running > 0; i++) await delay(20);
    assert.equal(world.service.running, 0);
  });

  it('of a folder on the host send typed events, the last of them the result or the error', async () => {
    const build = async (body: object): Promise<BuildEvent[]> => {
      const answer = await client.stream('POST', '/berth/v1/build', { json: body });
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      return text.trim().split('\n').map((line) => buildEventSchema.parse(JSON.parse(line)));
    };
    const context = { kind: 'directory', path: world.context('app') };
    const events = await build({ context, buildArgs: { BASE: 'debian', MSG: 'hi' }, tags: ['api:1'] });
    assert.deepEqual([events[0]?.type, events.at(-1)], ['plan', { type: 'result', imageId: (await world.resolve('api:1')).id }]);
    const [failed] = (await build({ context: { kind: 'directory', path: world.context('gone') }, buildArgs: {}, target: '0', noCache: false, network: 'none', dockerfile: '../bad/failing' }).catch((error: unknown) => [error])) as unknown[];
    assert.ok(failed instanceof ApiError && failed.code === 'DOCKERFILE_NOT_FOUND' && failed.status === 400);
    await world.write('bad', { Dockerfile: 'FROM debian\nRUN exit 5\n' });
    const last = (await build({ context: { kind: 'directory', path: world.context('bad') } })).at(-1);
    assert.deepEqual(last?.type === 'error' && [last.error.code, last.error.params?.['line'], last.error.params?.['exitCode']], ['BUILD_STEP_FAILED', 2, 5]);
    await assert.rejects(build({ context: { kind: 'directory', path: 'relative' } }), { code: 'BAD_REQUEST' });
  });

  it('say what of the Dockerfile is odd, and with checkOnly do nothing else', async () => {
    await world.write('odd', { Dockerfile: 'FROM debian AS Odd\nRUN exit 5\nCOPY $NOT a.log /\nCMD run\n', '.dockerignore': '*.log\n' });
    const lines = async (body: object): Promise<BuildEvent[]> => {
      const answer = await client.stream('POST', '/berth/v1/build', { json: { context: { kind: 'directory', path: world.context('odd') }, ...body } });
      return (await readText(answer)).trim().split('\n').map((line) => buildEventSchema.parse(JSON.parse(line)));
    };
    const checked = await lines({ checkOnly: true });
    assert.deepEqual(checked.map((event) => (event.type === 'warning' ? [event.rule, event.line] : event)), [['StageNameCasing', 1], ['UndefinedVar', 3], ['CopyIgnoredFile', 3], ['JSONArgsRecommended', 4], { type: 'checked', warnings: 4 }]);
    const built = await lines({});
    assert.deepEqual([built.filter(({ type }) => type === 'warning').length, built.at(-1)?.type], [4, 'error']);
    assert.doesNotMatch((await docker('build', world.context('odd'))).stdout, /StageNameCasing/, 'the classic builder checks nothing');
  });

  it('forget the cache on request', async () => {
    const answer = await docker('builder', 'prune', '-af');
    assert.equal(answer.status, 0, answer.stderr);
    assert.match(answer.stdout, /Total reclaimed space/);
    assert.equal(world.service.snapshotsInUse().size, 0);
  });
});
