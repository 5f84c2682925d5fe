import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { checkReportSchema } from '../../engine/api/berth/check.ts';
import { cgroupFacts } from '../../engine/host/cgroups.ts';
import { run, start } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { cgroupsOf } from '../support/cgroupsOf.ts';
import { bundle, TestEngine } from '../support/engine.ts';
import { FaultLoad } from '../support/faultLoad.ts';
import type { Inspected, Patient } from '../support/faultLoad.ts';
import { mountsUnder } from '../support/leftovers.ts';
import { seededRandom } from '../support/random.ts';
import { TestRegistry } from '../support/registry.ts';

/** Its own in each run: two at once on a host would take each other's network for a stray. */
const INSTANCE = `k${process.pid.toString(36)}`;
/** How long a start may take on a machine that has other things to do. */
const PATIENCE_MS = 90_000;
const USERS = 3;
/** After so many kills `berth system check` is asked. */
const CHECK_EVERY = 5;
const PROGRESS_EVERY = 25;
const kills = Number(process.env['BERTH_FAULT_KILLS'] ?? 15);
const seed = Number(process.env['BERTH_FAULT_SEED'] ?? Date.now() % 1_000_000);

/**
 * An engine that is killed again and again, at moments a seed decides, also while it starts, under users who create, start, use,
 * stop and remove containers and build images. What it has acknowledged must hold, whatever came between.
 * BERTH_FAULT_SEED has the same moments again, BERTH_FAULT_KILLS more of them.
 */
describe(`an engine killed ${kills} times under load (BERTH_FAULT_SEED=${seed})`, function () {
  this.timeout(120_000 + kills * 30_000);
  let engine: TestEngine;
  let victim: Victim;
  let load: FaultLoad;
  let registry: TestRegistry;

  before(async () => {
    engine = await TestEngine.start({ instance: INSTANCE });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['network', 'create', 'own']);
    registry = await TestRegistry.start();
    await publish(engine, registry);
    await engine.kill();
    victim = new Victim(engine, `${registry.host}/small`);
    await victim.revive();
    load = new FaultLoad(victim, seededRandom(seed));
  });
  after(async () => {
    await victim.client.send('GET', '/_ping').catch(() => victim.revive());
    await engine.remove();
    await registry.stop();
  });

  it('keeps what it acknowledged, through every kill', async () => {
    const random = seededRandom(seed + 1);
    const faults: string[] = [];
    const users = [...Array.from({ length: USERS }, (_, user) => load.work(user)), load.buildImages(), load.pullImages()];
    for (let kill = 0; kill < kills; kill++) {
      await delay(50 + random() ** 2 * 2000);
      await victim.kill();
      // One time in four it dies again before it is ready.
      if (random() < 0.25) await victim.bornToDie(random() * 500);
      await victim.revive();
      // While the load goes on: what is under way must not look like a fault.
      if (kill % CHECK_EVERY === CHECK_EVERY - 1) faults.push(...(await check(victim)).map((fault) => `after kill ${kill + 1}: ${fault}`));
      if (faults.length + load.violations.length > 0) break; // the rest would only hide it
      if (kill % PROGRESS_EVERY === PROGRESS_EVERY - 1) console.log(`      ${kill + 1} kills, the slowest start took ${victim.slowest} ms: ${JSON.stringify(load.done)}`);
    }
    load.stop();
    await Promise.all(users);
    for (const container of load.known) await load.settle(container);
    console.log(`      ${kills} kills, ${victim.deaths()} deaths, the slowest start took ${victim.slowest} ms: ${JSON.stringify(load.done)}`);
    assert.deepEqual(load.violations, []);
    assert.deepEqual(faults, []);
    assert.deepEqual(await check(victim), []);
    for (const what of ['create', 'start', 'exec', 'stop', 'remove', 'build', 'pull']) assert.ok((load.done[what] ?? 0) > 0, `${what} succeeded at least once: ${JSON.stringify(load.done)}`);
  });

  it('has no container nobody asked for, and says of each what the kernel says', async () => {
    const listed = await victim.client.json('GET', '/containers/json', z.array(z.looseObject({ Id: z.string(), Names: z.array(z.string()) })), { query: { all: true } });
    const names = new Set(load.known.map(({ name }) => `/${name}`));
    assert.deepEqual(listed.filter(({ Names }) => !Names.some((name) => names.has(name))), []);
    const found = (await Promise.all(load.known.map((container) => load.settle(container)))).filter((one) => one !== undefined);
    assert.equal(found.length, listed.length);
    assert.deepEqual((await Promise.all(found.map((one) => differences(engine.root, one)))).flat(), []);
    const running = found.filter(({ State }) => State.Status === 'running').length;
    assert.equal((await conmons(engine.root)).length, running, 'one conmon for each running container');
  });

  it('has kept what was written into the containers that run', async () => {
    for (const container of load.known.filter(({ may, proof }) => may.has('running') && proof !== undefined)) {
      const { output } = await load.exec(container.name, ['cat', '/proof']);
      const found = output.trim();
      assert.ok(found === container.proof || container.cutShort.has(found), `${container.name}: ${found}`);
    }
  });

  it('has every image it said was built', async () => {
    for (const tag of load.builtTags) assert.equal((await engine.docker(['run', '--rm', tag, 'cat', '/built'])).stdout, `${tag}\n`);
  });

  it('leaves nothing once its containers are removed and it ends', async () => {
    const ids = (await engine.docker(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await engine.docker(['rm', '-f', '-v', ...ids]);
    const volumes = (await engine.docker(['volume', 'ls', '-q'])).stdout.split('\n').filter(Boolean);
    if (volumes.length > 0) await engine.docker(['volume', 'rm', ...volumes]);
    await engine.docker(['network', 'rm', 'own']);
    const images = (await engine.docker(['images', '-q'])).stdout.split('\n').filter(Boolean);
    await engine.docker(['rmi', '-f', ...new Set(images)]);
    await engine.berth(['engine', 'stop']);
    assert.deepEqual(await cgroupsOf(`berth-${INSTANCE}`, cgroupFacts().version), []);
    assert.deepEqual(await remains(engine.root), []);
    // Mounts, namespaces, rules and processes: TestEngine.remove looks for them.
  });
});

/** The engine as a child of the test, so that it can be killed from its first instruction on. */
class Victim implements Patient {
  readonly client: TestEngine['client'];
  readonly #engine: TestEngine;
  #process: ChildProcess | undefined;
  #up = Promise.withResolvers<void>();
  readonly #image: string;
  #ready = false;
  #deaths = 0;
  /** Milliseconds that the slowest start took. */
  slowest = 0;

  constructor(engine: TestEngine, image: string) {
    this.#engine = engine;
    this.#image = image;
    this.client = engine.client;
  }

  /** What the newest engine says. */
  get #words(): string {
    return join(this.#engine.root, 'engine.words');
  }

  up(): Promise<void> {
    return this.#up.promise;
  }

  deaths(): number {
    return this.#deaths;
  }

  async kill(): Promise<void> {
    this.#deaths += 1;
    if (this.#ready) this.#up = Promise.withResolvers<void>();
    this.#ready = false;
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) throw new Error('the engine ended by itself');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async bornToDie(milliseconds: number): Promise<void> {
    this.#spawn();
    await delay(milliseconds);
    await this.kill();
  }

  async revive(): Promise<void> {
    this.#spawn();
    const begin = Date.now();
    while ((await this.client.send('GET', '/_ping').catch(() => 0)) !== 200) {
      if (Date.now() > begin + PATIENCE_MS) throw new Error(`the engine did not come up again after ${this.#deaths} deaths: ${await this.#lastWords()}`);
      await delay(20);
    }
    this.slowest = Math.max(this.slowest, Date.now() - begin);
    this.#ready = true;
    this.#up.resolve();
  }

  async build(tag: string): Promise<boolean> {
    const folder = join(this.#engine.root, 'contexts', tag);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'Dockerfile'), `FROM debian:bookworm\nRUN echo ${tag} > /built\nRUN test -s /built\n`);
    return (await this.#engine.docker(['build', '-q', '-t', tag, folder], { okStatus: 'any' })).status === 0;
  }

  async pull(): Promise<boolean> {
    for (const args of [['pull', '-q', this.#image], ['inspect', this.#image], ['rmi', this.#image]]) if ((await this.#engine.docker(args, { okStatus: 'any' })).status !== 0) return false;
    return true;
  }

  async #lastWords(): Promise<string> {
    const child = this.#process;
    const log = await readFile(join(this.#engine.dataRoot, 'engine.log'), 'utf8').catch(() => 'no log');
    const said = await readFile(this.#words, 'utf8');
    const stack = await readFile(`/proc/${child?.pid}/wchan`, 'utf8').catch(() => '');
    const { stdout } = await run('ps', ['--ppid', String(child?.pid), '-o', 'pid,stat,etime,args'], { okStatus: 'any' });
    return `exit code ${child?.exitCode}, signal ${child?.signalCode}, waits in ${stack}; it said: ${said}\nits children:\n${stdout}\n${log.split('\n').slice(-15).join('\n')}`;
  }

  #spawn(): void {
    const said = openSync(this.#words, 'w');
    this.#process = start(process.execPath, [bundle, 'engine'], { cwd: this.#engine.root, env: this.#engine.env, stdio: ['ignore', said, said] });
    closeSync(said);
  }
}

/** What differs between the engine's word on a container and the kernel's. */
async function differences(root: string, { Id, State }: Inspected): Promise<string[]> {
  const cgroups = existsSync(`/proc/${State.Pid}/cgroup`) && State.Pid > 0 ? await readFile(`/proc/${State.Pid}/cgroup`, 'utf8') : '';
  const runs = cgroups.includes(Id);
  const mounted = (await mountsUnder(root)).some((mount) => mount.includes(Id));
  const should = State.Status === 'running';
  return [...(runs === should ? [] : [`${Id} is ${State.Status}, pid ${State.Pid} ${runs ? 'is' : 'is not'} its`]), ...(mounted === should ? [] : [`${Id} is ${State.Status} and ${mounted ? '' : 'not '}mounted`])];
}

/** The faults that `berth system check` finds. */
async function check({ client }: Victim): Promise<string[]> {
  const { findings } = await client.json('POST', '/berth/v1/check', checkReportSchema, { json: {} });
  return findings.map(({ code, object, seen }) => `${code} ${object}: ${seen}`);
}

/** An image of three small layers in a registry. */
async function publish(engine: TestEngine, registry: TestRegistry): Promise<void> {
  const folder = join(engine.root, 'contexts', 'small');
  await mkdir(folder, { recursive: true });
  for (const name of ['one', 'two', 'three']) await writeFile(join(folder, name), name.repeat(200_000));
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY one /\nCOPY two /\nCOPY three /\n');
  await engine.docker(['build', '-q', '-t', 'small', folder]);
  await engine.docker(['save', '-o', join(engine.root, 'small.tar'), 'small']);
  await registry.push(`docker-archive:${join(engine.root, 'small.tar')}`, 'small:latest');
}

async function conmons(root: string): Promise<string[]> {
  const { stdout } = await run('pgrep', ['-f', `^[^ ]*conmon .*${root}/`], { okStatus: 'any' });
  return stdout.split('\n').filter(Boolean);
}

/** Files of containers, execs and builds that nothing needs any more. */
async function remains(root: string): Promise<string[]> {
  const folders = ['data/containers', 'data/volumes', 'run/bundles', 'run/execs', 'run/exits', 'run/steps', 'run/fifos', 'run/netns', 'run/oci/crun', 'run/oci/runc'];
  const listed = await Promise.all(folders.map(async (folder) => (await readdir(join(root, folder)).catch((): string[] => [])).map((name) => `${folder}/${name}`)));
  const temps = (await run('find', [join(root, 'data'), join(root, 'run'), '-name', '.tmp-*'])).stdout.split('\n').filter(Boolean);
  return [...listed.flat(), ...temps];
}
