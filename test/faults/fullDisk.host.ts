import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkReportSchema } from '../../engine/api/berth/check.ts';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';
import { TestRegistry } from '../support/registry.ts';

/** An engine whose disk is full: what cannot be done says so and leaves nothing, what is there goes on, and room can be made. */
describe('a full disk', function () {
  this.timeout(180_000);
  let disk: string;
  let engine: TestEngine;
  let registry: TestRegistry;

  before(async () => {
    disk = await mkdtemp(join(tmpdir(), 'berth-rffull-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=600m', 'rffull', disk]);
    // What a reboot may take is on another file system, as /run is.
    await mkdir(`${disk}.run`);
    engine = await TestEngine.start({ instance: 'rffull', parent: disk, env: { BERTH_RUN_ROOT: `${disk}.run` } });
    registry = await TestRegistry.start();
    const folder = join(engine.root, 'contexts');
    await mkdir(folder);
    await writeFile(join(folder, 'big'), Buffer.alloc(8 * 1024 * 1024, 'x'));
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY big /\nCMD ["x"]\n');
    await engine.docker(['build', '-q', '-t', 'big', folder]);
    await engine.docker(['save', '-o', join(`${disk}.run`, 'big.tar'), 'big']);
    await registry.push(`docker-archive:${join(`${disk}.run`, 'big.tar')}`, 'big:latest');
    await engine.docker(['rmi', 'big']);
    await engine.docker(['builder', 'prune', '-af']);
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['tag', 'debian:bookworm', 'spare']);
    await engine.docker(['run', '-d', '--name', 'there', '-p', '127.0.0.1:0:80', 'debian:bookworm', 'sh', '-c', 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done']);
    await engine.docker(['run', '-d', '--name', 'leaves', 'debian:bookworm', 'sh', '-c', 'read x < /proc/self/mounts; while [ ! -e /dev/shm/go ]; do sleep 0.05; done; exit 7']);
    await engine.docker(['create', '--name', 'spare', 'debian:bookworm', 'true']);
    await fill();
  });
  after(async () => {
    await rm(ballast(), { force: true });
    await registry.stop();
    await engine.remove();
    await run('umount', ['-l', disk]);
    await rm(disk, { recursive: true, force: true });
    await rm(`${disk}.run`, { recursive: true, force: true });
  });

  const ballast = (): string => join(disk, 'ballast');
  /** Until not one more page can be had: the log of the container that writes takes what is left. */
  async function fill(): Promise<void> {
    for (let full = 0; full < 3; await delay(20)) {
      await run('sh', ['-c', 'cat /dev/zero >> "$1" 2>/dev/null', 'sh', ballast()], { okStatus: 'any' });
      full = (await statfs(disk)).bavail === 0 ? full + 1 : 0;
    }
  }
  const docker = (...args: string[]) => engine.docker(args, { okStatus: 'any' });
  const faults = async (): Promise<string[]> => checkReportSchema.parse(JSON.parse((await engine.berth(['system', 'check', '--json'], { okStatus: [0, 1] })).stdout)).findings.map(({ code, object }) => `${code} ${object}`);
  const inventory = async (): Promise<unknown> => ({
    containers: (await readdir(join(engine.dataRoot, 'containers'))).sort(),
    volumes: (await readdir(join(engine.dataRoot, 'volumes'))).sort(),
    snapshots: (await readdir(join(engine.dataRoot, 'snapshots'))).sort(),
    networks: (await readdir(join(engine.dataRoot, 'networks'))).sort(),
    blobs: (await readdir(join(engine.dataRoot, 'content/blobs/sha256'))).sort(),
  });

  it('is said by each thing that needs room, and leaves nothing of it', async () => {
    const before = await inventory();
    await writeFile(join(`${disk}.run`, 'Dockerfile'), 'FROM debian:bookworm\nRUN head -c 50000000 /dev/zero > /zero\n');
    for (const args of [['create', 'debian:bookworm', 'true'], ['run', '--rm', 'debian:bookworm', 'true'], ['pull', `${registry.host}/big`], ['load', '-i', join(`${disk}.run`, 'big.tar')], ['build', '-f', join(`${disk}.run`, 'Dockerfile'), `${disk}.run/oci`], ['volume', 'create', 'more'], ['network', 'create', 'more'], ['commit', 'there', 'more'], ['tag', 'debian:bookworm', 'more'], ['rename', 'spare', 'other']]) {
      const { status, stderr, stdout } = await docker(...args);
      assert.notEqual(status, 0, `${args.join(' ')} succeeded`);
      assert.match(stderr + stdout, /No space left on device/i, `${args.join(' ')}: ${stderr}${stdout}`);
    }
    assert.deepEqual(await inventory(), before);
    assert.deepEqual(await faults(), []);
  });

  it('does not keep what runs from running, from being looked at and used', async () => {
    assert.equal((await docker('exec', 'there', 'cat', '/etc/hostname')).status, 0);
    const write = await docker('exec', 'there', 'sh', '-c', 'head -c 100000 /dev/zero > /more');
    assert.match(write.stderr, /No space left on device/);
    assert.equal((await docker('inspect', '-f', '{{.State.Status}}', 'there')).stdout, 'running\n');
    assert.match((await docker('logs', '--tail', '1', 'there')).stdout, /line \d+/);
    assert.equal((await docker('top', 'there')).status, 0);
  });

  it('does not keep a container from ending, with its status', async () => {
    assert.equal((await docker('exec', 'leaves', 'touch', '/dev/shm/go')).status, 0);
    assert.equal((await docker('wait', 'leaves')).stdout, '7\n');
    assert.equal((await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'leaves')).stdout, 'exited 7\n');
  });

  it('does not keep an engine from starting, and what it knew is known', async () => {
    await engine.kill();
    await engine.startAgain();
    assert.deepEqual((await docker('ps', '-a', '--format', '{{.Names}} {{.State}}')).stdout.split('\n').sort(), ['', 'leaves exited', 'spare created', 'there running']);
    assert.equal((await docker('inspect', '-f', '{{.State.ExitCode}}', 'leaves')).stdout, '7\n');
    assert.deepEqual(await faults(), []);
  });

  it('does not keep things from being removed', async () => {
    assert.equal((await docker('rmi', 'spare')).status, 0);
    assert.equal((await docker('rm', 'spare', 'leaves')).status, 0);
    assert.equal((await docker('stop', '-t', '0', 'there')).status, 0);
    assert.equal((await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'there')).stdout, 'exited 137\n');
  });

  it('is forgotten once there is room: what failed works, and nothing is amiss', async () => {
    await rm(ballast());
    assert.equal((await docker('start', 'there')).status, 0);
    assert.equal((await docker('pull', '-q', `${registry.host}/big`)).status, 0);
    assert.equal((await docker('run', '--rm', 'debian:bookworm', 'true')).status, 0);
    assert.deepEqual(await faults(), []);
    assert.ok(existsSync(join(engine.dataRoot, 'content/.reserve')));
  });
});
