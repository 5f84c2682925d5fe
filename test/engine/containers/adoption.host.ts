import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { cgroupFacts } from '../../../engine/host/cgroups.ts';
import { start } from '../../../engine/host/process.ts';
import { cgroupsOf } from '../../support/cgroupsOf.ts';
import { mountsUnder } from '../../support/leftovers.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';

const script = resolve(import.meta.dirname, '../../support/containerChild.ts');

/** An engine in a process of its own, to be killed. */
class Engine {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    assert.ok(child.stdout);
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(world: ContainerWorld): Promise<Engine> {
    const engine = new Engine(start(process.execPath, [script, world.root, world.instance], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await engine.#answer();
    return engine;
  }

  /** Sends a request and waits for its answer. */
  ask(...request: string[]): Promise<string> {
    this.tell(...request);
    return this.#answer();
  }

  tell(...request: string[]): void {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async #answer(): Promise<string> {
    const next = await this.#answers.next();
    assert.ok(next.done !== true, 'the engine ended');
    return JSON.parse(next.value) as string;
  }
}

interface State {
  readonly Status: string;
  readonly ExitCode: number;
  readonly Pid: number;
}

describe('an engine that is killed', () => {
  let world: ContainerWorld;
  /** A world with an image, closed: the engines of the tests run on its roots one after the other. */
  before(async () => {
    world = await ContainerWorld.create('adop');
    await world.close();
  });
  after(async () => {
    world = await ContainerWorld.open(world.root, world.instance);
    await world.remove();
  });
  const state = (one: ContainerWorld, ref: string): State => (one.containers.inspect(ref) as { State: State }).State;
  const reopen = (): Promise<ContainerWorld> => ContainerWorld.open(world.root, world.instance);

  it('leaves its containers running; the next one takes them over with log, exec, ports and end', async () => {
    const engine = await Engine.start(world);
    const id = await engine.ask('publish', 'web', 'sh', '-c', 'i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.05; done');
    await engine.kill();
    await delay(300);
    const next = await reopen();
    assert.equal(state(next, 'web').Status, 'running');
    assert.ok((await next.logs(id)).split('\n').length > 5);
    assert.equal((await next.exec(id, ['hostname'])).stdout, `${id.slice(0, 12)}\n`);
    assert.deepEqual(next.networks.publishedPorts(id).map(({ hostPort }) => hostPort), [28_933]);
    const ended = next.containers.wait(id, 'next-exit');
    await next.containers.kill(id);
    assert.equal((await ended).statusCode, 137);
    await next.containers.remove(id);
    await next.close();
  });

  it('has the ends it missed recorded, and what was to be removed removed', async () => {
    const engine = await Engine.start(world);
    await engine.ask('start', 'short', 'sh', '-c', 'sleep 0.3; exit 6');
    await engine.ask('start-rm', 'gone', 'sleep', '0.3');
    await engine.kill();
    await delay(600);
    const next = await reopen();
    assert.deepEqual([state(next, 'short').Status, state(next, 'short').ExitCode], ['exited', 6]);
    assert.throws(() => next.containers.find('gone'), { code: 'NO_SUCH_CONTAINER' });
    await next.containers.remove('short');
    await next.close();
  });

  it('leaves nothing half made, wherever in a start it dies', async () => {
    for (const pause of [5, 10, 15, 18, 20, 22, 25, 30, 35, 45, 60, 80]) {
      const engine = await Engine.start(world);
      engine.tell('begin', 'half', 'sleep', '1000');
      await delay(pause);
      await engine.kill();
      const next = await reopen();
      const found = next.containers.list({ all: true, filters: {} }) as Array<{ Names: string[]; State: string }>;
      assert.ok(found.length <= 1 && found.every(({ State }) => ['created', 'running', 'exited'].includes(State)), JSON.stringify(found));
      if (found[0]?.State === 'running') assert.equal((await next.exec('half', ['echo', 'alive'])).stdout, 'alive\n');
      if (found[0]) await next.containers.remove('half', { force: true });
      assert.deepEqual(await mountsUnder(join(next.root, 'data')), []);
      assert.deepEqual(await readdir(join(next.root, 'run/bundles')), []);
      await next.close();
      assert.deepEqual(await cgroupsOf(`berth-${world.instance}`, cgroupFacts().version), []);
    }
  });

  it('finishes a removal that was cut short', async () => {
    for (const pause of [2, 8, 16, 30]) {
      const engine = await Engine.start(world);
      await engine.ask('start', 'doomed', 'sleep', '1000');
      engine.tell('remove', 'doomed');
      await delay(pause);
      await engine.kill();
      const next = await reopen();
      for (const { Id } of next.containers.list({ all: true, filters: {} }) as Array<{ Id: string }>) await next.containers.remove(Id, { force: true });
      assert.deepEqual(await readdir(join(next.root, 'data/containers')), []);
      assert.deepEqual(await mountsUnder(join(next.root, 'data')), []);
      await next.close();
    }
  });

  it('may find a pid that is somebody else by now, and does not take it for its container', async () => {
    const first = await reopen();
    const id = await first.start(['sleep', '1000'], {}, 'other');
    const { folder } = first.containers.find(id).paths;
    await first.close();
    const file = join(folder, 'state.json');
    const saved = JSON.parse(await readFile(file, 'utf8')) as { process: { pid: number; startTime: string } };
    process.kill(saved.process.pid, 'SIGKILL');
    await delay(200);
    await writeFile(file, JSON.stringify({ ...saved, process: { pid: process.pid, startTime: saved.process.startTime } }));
    const next = await reopen();
    assert.equal(state(next, 'other').Status, 'exited');
    await next.containers.remove('other');
    await next.close();
  });

  it('does not take an exit status noted late, of an earlier run, for the end of the running one', async () => {
    const first = await reopen();
    const id = await first.start(['sleep', '1000'], {}, 'again');
    const late = join(world.root, 'run/exits', id);
    await writeFile(late, '137');
    await delay(200);
    assert.equal(state(first, 'again').Status, 'running');
    await first.close();
    const next = await reopen();
    assert.equal(state(next, 'again').Status, 'running');
    const ended = next.containers.wait(id, 'next-exit');
    await next.containers.stop(id, { timeout: 0 });
    assert.equal((await ended).statusCode, 137);
    await next.containers.remove(id);
    assert.deepEqual(await readdir(join(world.root, 'run/exits')), []);
    await next.close();
  });

  it('clears what was written for execs of a former engine', async () => {
    await mkdir(join(world.root, 'run/execs/cut-short'), { recursive: true });
    const next = await reopen();
    assert.deepEqual(await readdir(join(world.root, 'run/execs')), []);
    await next.close();
  });

  it('removes folders in which no container was finished', async () => {
    const stray = join(world.root, 'data/containers', 'ab'.repeat(32));
    await mkdir(join(stray, 'upper'), { recursive: true });
    const next = await reopen();
    assert.deepEqual(await readdir(join(next.root, 'data/containers')), []);
    await next.close();
  });
});
