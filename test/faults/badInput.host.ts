import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { bundle, TestEngine } from '../support/engine.ts';
import { leftovers, mountsUnder } from '../support/leftovers.ts';

/** What goes wrong for users, on the real thing: each a clear error with its code, and nothing left behind. */
describe('bad input', () => {
  let engine: TestEngine;

  before(async () => {
    engine = await TestEngine.start({ instance: 'bad' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
  });
  after(() => engine.remove());
  afterEach('nothing is left behind', async () => {
    assert.deepEqual(await mountsUnder(engine.root), []);
    assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
  });

  it('an unknown image: NO_SUCH_IMAGE or why it could not be pulled, with its name', async () => {
    const result = await engine.berth(['run', '--rm', '--pull', 'never', 'localhost:1/nothing:none', 'true'], { okStatus: 'any' });
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /No such image: localhost:1\/nothing:none.*\[NO_SUCH_IMAGE\]/);
    const pull = await engine.berth(['pull', 'localhost:1/nothing:none'], { okStatus: 'any' });
    assert.notEqual(pull.status, 0);
    assert.match(pull.stderr, /localhost:1.*\[REGISTRY_[A-Z_]+\]/s);
  });

  it('a broken Dockerfile: line, column and what was expected', async () => {
    const folder = join(engine.root, 'broken');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\n\nRUN true\n  COPYY a b\n');
    const result = await engine.berth(['build', folder], { okStatus: 'any' });
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /Dockerfile:4:3.*COPYY.*\[DOCKERFILE_/s);
  });

  it('an invalid devcontainer.json: a pointer into the file', async () => {
    const folder = join(engine.root, 'devbad');
    await mkdir(join(folder, '.devcontainer'), { recursive: true });
    await writeFile(join(folder, '.devcontainer', 'devcontainer.json'), '{\n  // a comment\n  "image": "debian:bookworm",\n  "forwardPorts": [8000, "x y"]\n}\n');
    const result = await engine.berth(['up', folder], { okStatus: 'any' });
    assert.equal(result.status, 1);
    const line = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as { outcome: string; message: string };
    assert.equal(line.outcome, 'error');
    assert.match(`${line.message}`, /devcontainer\.json:4:\d+.*\/forwardPorts\/1/s);
  });

  it('a port that another program listens on: PORT_IN_USE, and the container is not started', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      const result = await engine.berth(['run', '--rm', '-p', `127.0.0.1:${port}:80`, 'debian:bookworm', 'true'], { okStatus: 'any' });
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, new RegExp(`${port}.*already allocated.*\\[PORT_IN_USE\\]`, 's'));
    } finally {
      holder.close();
      await engine.docker(['container', 'prune', '-f'], { okStatus: 'any' });
      for (const id of (await engine.docker(['ps', '-aq'])).stdout.split('\n').filter(Boolean)) await engine.docker(['rm', id]);
    }
  });

  it('no permission on the socket: who may use it', async function () {
    if ((await run('id', ['-u', 'nobody'], { okStatus: 'any' })).status !== 0) this.skip();
    await chmod(engine.root, 0o755);
    await chmod(join(engine.root, 'run'), 0o755);
    const result = await run('/usr/bin/setpriv', ['--reuid', 'nobody', '--clear-groups', process.execPath, bundle, 'ps'], { env: { ...engine.env, HOME: '/nonexistent' }, cwd: '/', okStatus: 'any' });
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /berth\.sock.*EACCES.*\[PERMISSION_DENIED\]/s);
  });

  it('an ordinary user who starts an engine where what that needs is missing: what, and what to do', async () => {
    const home = await mkdtemp(join(tmpdir(), 'berth-home-'));
    await chmod(home, 0o777);
    const env = { PATH: '/nonexistent', HOME: home, BERTH_RUN_ROOT: join(home, 'run') };
    const result = await run('/usr/bin/setpriv', ['--reuid', 'nobody', '--clear-groups', process.execPath, bundle, 'engine', 'start'], { env, cwd: '/', okStatus: 'any' });
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /(rootlesskit|flock|nsenter|mkfifo).*berth doctor --fix.*\[HOST_TOOL_MISSING\]/s);
    await rm(home, { recursive: true });
  });

  it('a build that is cancelled, and an engine killed in the middle of a build, leave nothing; the next build works', async () => {
    const folder = join(engine.root, 'slow');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\nRUN echo started > /x && sleep 60\n');
    const building = engine.startDocker(['build', folder]);
    const ended = new Promise((resolve) => building.once('close', resolve));
    await waitFor(async () => (await mountsUnder(engine.root)).length > 0);
    await engine.kill();
    await ended;
    await engine.berth(['engine', 'start']);
    assert.deepEqual(await mountsUnder(engine.root), []);
    assert.equal((await run('pgrep', ['-fx', 'sleep 60'], { okStatus: 'any' })).stdout, '', 'the step’s process is gone');
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\nRUN echo fine\n');
    await engine.docker(['build', folder]);
  });

  it('an engine killed in the middle of a run: the container goes on, is adopted, and its exit is noticed', async () => {
    const id = (await engine.docker(['run', '-d', '--name', 'survivor', 'debian:bookworm', 'sh', '-c', 'while [ ! -e /stop ]; do sleep 0.1; done; echo over; exit 6'])).stdout.trim();
    const pid = (await engine.docker(['inspect', '-f', '{{.State.Pid}}', id])).stdout.trim();
    await engine.kill();
    assert.ok(existsSync(`/proc/${pid}/exe`), 'the container goes on without an engine');
    assert.equal((await engine.berth(['ps', '-q', '--no-trunc'])).stdout.trim(), id);
    await engine.docker(['exec', id, 'touch', '/stop']);
    assert.equal((await engine.docker(['wait', id])).stdout.trim(), '6');
    assert.equal((await engine.docker(['logs', id])).stdout, 'over\n');
    await engine.docker(['rm', id]);
  });

  it('a container that ends while no engine runs is found ended, with its status', async () => {
    const id = (await engine.docker(['run', '-d', 'debian:bookworm', 'sh', '-c', 'sleep 1; exit 11'])).stdout.trim();
    await engine.kill();
    await delay(1500);
    assert.equal((await engine.berth(['inspect', '--format', '{{.State.ExitCode}}', id], { okStatus: 'any' })).stdout.trim() || (await engine.docker(['inspect', '-f', '{{.State.ExitCode}}', id])).stdout.trim(), '11');
    await engine.docker(['rm', id]);
  });
});

describe('a full disk', () => {
  it('is named DISK_FULL, leaves nothing, and what was there still works', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'berth-full-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=260m', 'tmpfs', parent]);
    try {
      const engine = await TestEngine.start({ instance: 'full', parent });
      await engine.docker(['import', await baseTar(), 'debian:bookworm']);
      const before = await used(parent);
      const folder = await mkdtemp(join(tmpdir(), 'berth-full-context-'));
      await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\nRUN head -c 200000000 /dev/zero > /big\n');
      const build = await engine.berth(['build', folder], { okStatus: 'any' });
      assert.notEqual(build.status, 0);
      const load = await engine.docker(['import', await baseTar(), 'second:1'], { okStatus: 'any' });
      assert.notEqual(load.status, 0);
      assert.match(load.stderr, /No space left on device/);
      assert.ok((await used(parent)) - before < 2_000_000, 'what was written before the disk was full is gone');
      assert.equal((await engine.docker(['run', '--rm', 'debian:bookworm', 'echo', 'still'])).stdout, 'still\n');
      await rm(folder, { recursive: true });
      await engine.remove();
    } finally {
      await run('umount', [parent], { okStatus: 'any' });
      await rm(parent, { recursive: true, force: true });
    }
  });
});

describe('missing host tools', () => {
  it('are named, with how to get them, and the engine still serves what it can', async () => {
    const engine = await TestEngine.start({ instance: 'tools', hide: ['/usr/bin/crun', '/usr/sbin/runc'] });
    try {
      await engine.docker(['import', await baseTar(), 'debian:bookworm']);
      const result = await engine.berth(['run', '--rm', 'debian:bookworm', 'true'], { okStatus: 'any' });
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, /crun or runc was not found.*berth doctor --fix.*\[HOST_TOOL_MISSING\]/s);
    } finally {
      await engine.remove();
    }
  });
});

describe('an engine killed while it loads an image', () => {
  it('has, after the next start, no half image and no temp files, and the load works', async () => {
    const engine = await TestEngine.start({ instance: 'kload' });
    const loading = start('docker', ['import', await baseTar(), 'debian:bookworm'], { env: engine.env, stdio: 'ignore' });
    const ended = new Promise((resolve) => loading.once('close', resolve));
    await delay(600);
    await engine.kill();
    await ended;
    await engine.berth(['engine', 'start']);
    const { stdout } = await run('find', [join(engine.root, 'data'), '-name', '.tmp-*']);
    assert.equal(stdout, '');
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    assert.equal((await engine.docker(['run', '--rm', 'debian:bookworm', 'echo', 'ok'])).stdout, 'ok\n');
    await engine.remove();
    assert.deepEqual(await leftovers(engine.root, 'kload'), []);
  });
});

async function used(folder: string): Promise<number> {
  return Number((await run('df', ['--output=used', '-B1', folder])).stdout.trim().split('\n').at(-1));
}

async function waitFor(condition: () => Promise<boolean>, seconds = 20): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await delay(50);
  }
}
