import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { locateTool } from '../../../engine/host/runtimeChoice.ts';
import { inUserNamespace } from '../../../engine/host/userNamespace.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';

describe('containers on runc', () => {
  let world: ContainerWorld;
  before(async function () {
    const runc = await locateTool('runc');
    if (!runc) return this.skip();
    const first = await ContainerWorld.create('runc');
    await first.close();
    // The choice is remembered by what is installed: naming runc there is as if crun had failed its smoke run.
    const file = join(first.root, 'data/runtime.json');
    const choice = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...choice, name: 'runc', path: runc.path }));
    world = await ContainerWorld.open(first.root, first.instance);
    assert.equal(world.containers.parts.runtime.name, 'runc');
  });
  after(() => world.remove());

  it('run with the same profile, streams and status', async () => {
    const { exitCode, stdout, stderr } = await world.run('echo out; echo err >&2; grep -E "CapEff|Seccomp:" /proc/self/status; exit 3');
    assert.deepEqual([exitCode, stdout, stderr], [3, 'out\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n', 'err\n']);
  });

  it('say what is wrong with a command in the same words', async () => {
    await assert.rejects(world.run('', { Entrypoint: ['nonsense'] }), /exec: "nonsense": executable file not found in \$PATH/);
    await assert.rejects(world.run('', { Entrypoint: ['/etc/passwd'] }), { code: 'COMMAND_NOT_EXECUTABLE' });
  });

  it('are entered, paused, limited anew, and killed for memory', async () => {
    const id = await world.start(['sleep', '1000'], { HostConfig: { PidsLimit: 50 } });
    assert.deepEqual(await world.exec(id, ['sh', '-c', 'echo a; echo b > /dev/stderr; exit 4']), { exitCode: 4, stdout: 'a\n', stderr: 'b\n' });
    assert.deepEqual([(await world.exec(id, ['nonsense'])).exitCode, (await world.exec(id, ['nonsense'])).stderr], [127, '']);
    assert.match((await world.exec(id, ['ls'], { WorkingDir: '/nowhere' })).stdout, /chdir to cwd/);
    await world.containers.pause(id);
    await world.containers.unpause(id);
    await world.containers.update(id, { PidsLimit: 33 });
    await world.containers.remove(id, { force: true });
    const { id: hungry, exitCode } = await world.finish('exec perl -e \'my $x = "x" x (300*1024*1024)\'', { HostConfig: { Memory: 24 * 1024 * 1024, MemorySwap: 24 * 1024 * 1024 } });
    assert.deepEqual([exitCode, (world.containers.inspect(hungry) as { State: { OOMKilled: boolean } }).State.OOMKilled], [137, true]);
    await world.containers.remove(hungry);
  });

  it('have an idmapped mount made for them, or say that nobody can make one', async () => {
    const { uid, gid } = await stat(world.root);
    const Idmap = { onDisk: { uid, gid }, inside: { uid: 12_345, gid: 12_346 } };
    const HostConfig = { Mounts: [{ Type: 'bind' as const, Source: world.root, Target: '/x', BindOptions: { Idmap } }] };
    const { id, warnings } = await world.containers.create({ Image: 'debian', Cmd: ['true'], HostConfig });
    await world.containers.remove(id);
    assert.match(warnings.join('\n'), inUserNamespace() ? /no idmapped mounts/ : /^$/);
    assert.equal((await world.run('stat -c %u:%g /x', { HostConfig })).stdout, inUserNamespace() ? '0:0\n' : '12345:12346\n');
  });

  it('build', async () => {
    const folder = await mkdtemp(join(world.root, 'data/step-'));
    await mkdir(join(folder, 'upper'));
    await mkdir(join(folder, 'work'));
    const lowerDirs = world.images.resolve('debian').layers.map(({ snapshotId }) => world.snapshots.lowerDir(snapshotId)).reverse();
    const { exitCode } = await world.steps.run(
      { lowerDirs, upperDir: join(folder, 'upper'), workDir: join(folder, 'work'), args: ['touch', '/made'], env: [], cwd: '/', user: '', mounts: [], privileged: false, network: 'none', onOutput: () => undefined },
      { signal: new AbortController().signal },
    );
    assert.deepEqual([exitCode, await readdir(join(folder, 'upper'))], [0, ['made']]);
  });
});
