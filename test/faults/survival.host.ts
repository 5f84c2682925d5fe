import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readFile, readdir, rm, symlink, truncate, writeFile, mkdir, mkdtemp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { checkReportSchema } from '../../engine/api/berth/check.ts';
import { CGROUP_ROOT, cgroupFacts } from '../../engine/host/cgroups.ts';
import { identify } from '../../engine/host/processIdentity.ts';
import { run, start } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { bundle, TestEngine } from '../support/engine.ts';
import { mountsUnder } from '../support/leftovers.ts';

const INSTANCE = 'rfsurv';
const IMAGE = 'debian:bookworm';
const SLEEP = [IMAGE, 'sleep', '1000'];
/** Mounts are made without a program: this host has none. */
const NOT_NEEDED = new Set(['mount', 'umount', 'perl']);

interface Finding {
  readonly code: string;
  readonly object: string;
}

/** What an engine makes of a host that is not as its predecessor left it. */
describe('survival', function () {
  this.timeout(120_000);
  let engine: TestEngine;
  let tools: string;

  before(async () => {
    tools = await mkdtemp(join(tmpdir(), 'berth-rfsurv-bin-'));
    for (const folder of ['/usr/bin', '/usr/sbin']) for (const name of await readdir(folder)) if (!NOT_NEEDED.has(name)) await symlink(join(folder, name), join(tools, name)).catch(() => undefined);
    engine = await TestEngine.start({ instance: INSTANCE, env: { PATH: tools } });
    await engine.docker(['import', await baseTar(), IMAGE]);
  });
  after(async () => {
    await engine.remove();
    await rm(tools, { recursive: true, force: true });
  });
  afterEach(async () => {
    const ids = (await docker('ps', '-aq')).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await docker('rm', '-f', '-v', ...ids);
  });

  const docker = (...args: string[]) => engine.docker(args, { okStatus: 'any' });
  const states = async (): Promise<Record<string, string>> => Object.fromEntries((await docker('ps', '-a', '--format', '{{.Names}} {{.State}}')).stdout.split('\n').filter(Boolean).map((line) => line.split(' ') as [string, string]));
  const findings = async (how: { repair?: boolean; layers?: boolean } = {}): Promise<Finding[]> => (await engine.client.json('POST', '/berth/v1/check', checkReportSchema, { json: how })).findings.filter(({ repaired }) => !repaired);
  const inspect = async (format: string, name: string): Promise<string> => (await docker('inspect', '-f', format, name)).stdout.trim();
  const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 30_000; !(await condition()); await delay(50)) assert.ok(Date.now() < end, `${what} did not come`);
  };

  it('a restart of the host: states are honest, restart policies applied, nothing of before is left', async () => {
    await docker('network', 'create', 'own');
    await docker('run', '-d', '--name', 'always', '--restart', 'always', '--network', 'own', '-p', '127.0.0.1:0:80', '-v', 'kept:/data', IMAGE, 'sh', '-c', 'date >> /data/starts; exec sleep 1000');
    await docker('run', '-d', '--name', 'unless', '--restart', 'unless-stopped', ...SLEEP);
    await docker('run', '-d', '--name', 'failing', '--restart', 'on-failure:3', ...SLEEP);
    await docker('run', '-d', '--name', 'plain', ...SLEEP);
    await docker('run', '-d', '--name', 'paused', ...SLEEP);
    await docker('run', '-d', '--name', 'stopped', '--restart', 'unless-stopped', ...SLEEP);
    await docker('run', '-d', '--name', 'stopped-always', '--restart', 'always', ...SLEEP);
    await docker('run', '-d', '--name', 'gone', '--rm', '-v', '/anonymous', ...SLEEP);
    await docker('run', '--name', 'done', IMAGE, 'sh', '-c', 'exit 3');
    await docker('create', '--name', 'new', IMAGE, 'true');
    await docker('pause', 'paused');
    await docker('stop', '-t', '0', 'stopped', 'stopped-always');
    const doneAt = await inspect('{{.State.FinishedAt}}', 'done');
    const before = Date.now();
    await restartHost(engine);
    await engine.startAgain();
    await until('the restarts', async () => Object.values(await states()).filter((state) => state === 'running').length === 4);
    assert.deepEqual(await states(), { always: 'running', unless: 'running', failing: 'running', 'stopped-always': 'running', plain: 'exited', paused: 'exited', stopped: 'exited', done: 'exited', new: 'created' });
    for (const name of ['plain', 'paused']) {
      assert.equal(await inspect('{{.State.ExitCode}}', name), '255');
      assert.ok(Date.parse(await inspect('{{.State.FinishedAt}}', name)) >= before);
    }
    assert.equal(await inspect('{{.State.ExitCode}} {{.State.FinishedAt}}', 'done'), `3 ${doneAt}`);
    assert.equal((await docker('exec', 'always', 'cat', '/data/starts')).stdout.trim().split('\n').length, 2);
    await until('its name', async () => (await docker('exec', 'always', 'getent', 'hosts', 'always')).status === 0);
    assert.equal((await docker('start', 'plain')).status, 0);
    assert.deepEqual((await docker('volume', 'ls', '-q')).stdout, 'kept\n');
    assert.deepEqual(await findings(), []);
    await docker('rm', '-f', 'always');
    await docker('network', 'rm', 'own');
    await docker('volume', 'rm', 'kept');
  });

  it('pids of before a restart are nobody’s: a stranger with the same one is neither taken for the container nor ended', async () => {
    await docker('run', '-d', '--name', 'mistaken', ...SLEEP);
    const state = await stateFile('mistaken');
    await restartHost(engine);
    const stranger = start('sleep', ['1000'], { stdio: 'ignore' });
    try {
      const process = identify(stranger.pid ?? 0);
      await writeFile(state, JSON.stringify({ ...(JSON.parse(await readFile(state, 'utf8')) as object), process, monitor: process, boot: 'another' }));
      await engine.startAgain();
      assert.equal(await inspect('{{.State.Status}} {{.State.ExitCode}}', 'mistaken'), 'exited 255');
      assert.equal(stranger.exitCode, null);
      assert.equal(identify(stranger.pid ?? 0)?.startTime, process?.startTime);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('an upgrade: containers, their logs, ports and names go on under the next version; an end in between has its code and time', async () => {
    await docker('run', '-d', '--name', 'counts', '-p', '127.0.0.1:0:8000', IMAGE, 'sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done');
    await docker('run', '-d', '--name', 'ends', IMAGE, 'sh', '-c', 'while [ ! -e /dev/shm/go ]; do sleep 0.02; done; exit 9');
    const [pid, port] = [await inspect('{{.State.Pid}}', 'counts'), (await docker('port', 'counts')).stdout];
    const exits = join(engine.runRoot, 'exits', await inspect('{{.Id}}', 'ends'));
    const endsPid = await inspect('{{.State.Pid}}', 'ends');
    await engine.berth(['engine', 'stop']);
    await writeFile(`/proc/${endsPid}/root/dev/shm/go`, '');
    await until('the end', async () => readFile(exits, 'utf8').then((text) => text.startsWith('9'), () => false));
    const ended = Date.now();
    await delay(1100);
    const next = join(engine.root, 'next');
    await cp(dirname(bundle), next, { recursive: true });
    const script = join(next, basename(bundle));
    for (const name of (await readdir(next)).filter((one) => one.endsWith('.cjs'))) await writeFile(join(next, name), (await readFile(join(next, name), 'utf8')).replaceAll(/(["'`])0\.1\.0\1/g, '$19.9.9$1'));
    await run(process.execPath, [script, 'engine', 'start'], { cwd: engine.root, env: engine.env });
    assert.equal((await docker('version', '-f', '{{.Server.Version}}')).stdout, '9.9.9\n');
    assert.equal(await inspect('{{.State.Pid}}', 'counts'), pid);
    assert.equal((await docker('port', 'counts')).stdout, port);
    assert.equal(await inspect('{{.State.Status}} {{.State.ExitCode}}', 'ends'), 'exited 9');
    assert.ok(Math.abs(Date.parse(await inspect('{{.State.FinishedAt}}', 'ends')) - ended) < 1000, 'it ended when it ended, not when that was noticed');
    const lines = (await docker('logs', 'counts')).stdout.trim().split('\n').map(Number);
    assert.deepEqual(lines, lines.map((_line, index) => index + 1), 'no line is missing and none is there twice');
    assert.deepEqual(await findings(), []);
    await engine.berth(['engine', 'stop']);
    await engine.startAgain();
  });

  it('damaged records: each is set aside and named, what it was about is honest, and the rest works', async () => {
    await docker('network', 'create', 'hurt');
    await docker('volume', 'create', 'hurt');
    await docker('run', '-d', '--name', 'record', ...SLEEP);
    await docker('run', '-d', '--name', 'state', '-p', '127.0.0.1:0:80', ...SLEEP);
    await docker('run', '--name', 'state-ended', IMAGE, 'true');
    await docker('run', '-d', '--name', 'netns', '--network', 'hurt', ...SLEEP);
    await docker('run', '-d', '--name', 'well', '-v', 'hurt:/data', ...SLEEP);
    const pids = { state: await inspect('{{.State.Pid}}', 'state'), well: await inspect('{{.State.Pid}}', 'well'), netns: await inspect('{{.State.Pid}}', 'netns') };
    const files = {
      record: join(await folderOf('record'), 'config.json'),
      state: await stateFile('state'),
      ended: await stateFile('state-ended'),
      attachment: join(engine.runRoot, 'netns', `${await inspect('{{.Id}}', 'netns')}.json`),
      bridge: join(engine.dataRoot, 'networks/bridge.json'),
      network: join(engine.dataRoot, 'networks/hurt.json'),
      volume: join(engine.dataRoot, 'volumes/hurt/volume.json'),
    };
    const lostBridge = (JSON.parse(await readFile(files.network, 'utf8')) as { bridge: string }).bridge;
    await engine.kill();
    for (const [index, path] of Object.values(files).entries()) await (index % 2 === 0 ? truncate(path, 11) : writeFile(path, '\0'.repeat(64)));
    await engine.startAgain();
    assert.deepEqual(await states(), { state: 'running', 'state-ended': 'exited', netns: 'running', well: 'running' });
    for (const [name, pid] of Object.entries(pids)) assert.equal(await inspect('{{.State.Pid}}', name), pid, `${name} goes on`);
    const warnings = (await docker('info', '-f', '{{range .Warnings}}{{println .}}{{end}}')).stdout;
    const log = await readFile(join(engine.dataRoot, 'engine.log'), 'utf8');
    const all = await findings();
    const found = all.filter(({ code }) => code === 'RECORD_DAMAGED').map(({ object }) => object);
    for (const path of Object.values(files)) {
      assert.ok(found.some((object) => object.startsWith(`${path}.damaged-`)), `${path} in system check: ${found.join(' ')}`);
      assert.ok(warnings.includes(`${path}.damaged-`), `${path} in docker info`);
      assert.ok(log.includes(`"path":"${path}"`), `${path} in the log`);
    }
    const others = all.filter(({ code }) => code !== 'RECORD_DAMAGED').map(({ code, object }) => `${code} ${object}`);
    assert.deepEqual(others.sort(), ['CONTAINER_NETWORK_LOST netns', 'VOLUME_DESCRIPTION_LOST hurt']);
    assert.equal((await docker('run', '--rm', IMAGE, 'true')).status, 0);
    assert.equal((await docker('stop', '-t', '0', 'state')).status, 0);
    // What a person does then: the damaged files are looked at, and thrown away.
    for (const object of found) await rm(object, { force: true });
    const lost = dirname(files.record);
    await rm(lost, { recursive: true, force: true });
    await docker('rm', '-f', 'netns');
    assert.deepEqual(await findings({ repair: true }), []);
    assert.equal((await docker('info', '-f', '{{.Warnings}}')).stdout.trim(), '[]');
    await docker('rm', '-f', 'well');
    await docker('volume', 'rm', 'hurt');
    assert.ok(!existsSync(`/sys/class/net/${lostBridge}`), 'the bridge that no record names went with its last container');
  });

  it('damaged images: the image is named, its layers are used again when it comes again', async () => {
    await docker('tag', IMAGE, 'other');
    await engine.kill();
    const snapshots = join(engine.dataRoot, 'snapshots');
    const [layer = ''] = await readdir(snapshots);
    await truncate(join(snapshots, layer, 'meta.json'), 5);
    await truncate(join(engine.dataRoot, 'content/index.json'), 20);
    await engine.startAgain();
    assert.match((await docker('info', '-f', '{{.Warnings}}')).stdout, /index of images|image .* cannot be used/);
    const codes = (await findings()).map(({ code }) => code).sort();
    assert.deepEqual(codes, ['IMAGE_INCOMPLETE', 'LAYER_UNUSABLE', 'RECORD_DAMAGED', 'RECORD_DAMAGED']);
    const left = (await findings({ repair: true })).map(({ code }) => code);
    assert.deepEqual(left, ['RECORD_DAMAGED', 'RECORD_DAMAGED']);
    const [id = ''] = (await docker('images', '-q')).stdout.split('\n');
    await docker('tag', id, IMAGE);
    assert.equal((await docker('run', '--rm', IMAGE, 'cat', '/etc/debian_version')).status, 0);
    for (const path of [join(snapshots, layer), join(engine.dataRoot, 'content')]) for (const name of await readdir(path)) if (name.includes('.damaged-')) await rm(join(path, name));
    assert.deepEqual(await findings({ layers: true }), []);
  });

  for (const tool of ['conmon', 'crun', 'nft']) {
    it(`a host that loses ${tool} while containers run: they go on, what needs it says so, and with it back all works`, async () => {
      await docker('run', '-d', '--name', 'on', '-p', '127.0.0.1:0:80', ...SLEEP);
      const pid = await inspect('{{.State.Pid}}', 'on');
      await rm(join(tools, tool));
      try {
        const failed = await docker('run', '--name', 'fails', '-p', '127.0.0.1:0:80', IMAGE, 'true');
        assert.notEqual(failed.status, 0, 'a container started');
        assert.match(failed.stderr, new RegExp(`${tool}( or runc)? was not found on this host|${tool}.*ENOENT`), failed.stderr);
        assert.equal(await inspect('{{.State.Pid}}', 'on'), pid);
        assert.equal((await docker('logs', 'on')).status, 0);
        assert.equal((await docker('stop', '-t', '0', 'on')).status, 0);
        assert.equal(await inspect('{{.State.Status}} {{.State.ExitCode}}', 'on'), 'exited 137');
      } finally {
        await symlink(`/usr/${tool === 'nft' ? 'sbin' : 'bin'}/${tool}`, join(tools, tool));
      }
      assert.deepEqual(await findings({ repair: true }), []);
      assert.equal((await docker('start', 'on')).status, 0);
      assert.equal((await docker('start', '-a', 'fails')).status, 0);
    });
  }

  async function folderOf(name: string): Promise<string> {
    return join(engine.dataRoot, 'containers', await inspect('{{.Id}}', name));
  }

  async function stateFile(name: string): Promise<string> {
    return join(await folderOf(name), 'state.json');
  }
});

/** As a restart of the host leaves things: every process, mount, namespace, link and rule of the engine is gone, and all of the run root. */
async function restartHost(engine: TestEngine): Promise<void> {
  const enginePid = await engine.pid();
  const groups = cgroupFacts().version === '2' ? [CGROUP_ROOT] : (await readdir(CGROUP_ROOT)).map((name) => join(CGROUP_ROOT, name));
  process.kill(enginePid, 'SIGKILL');
  const tools = (await run('pgrep', ['-f', `^[^ ]*conmon .*${engine.root}/`], { okStatus: 'any' })).stdout.split('\n').filter(Boolean);
  const parent = join(groups.find((folder) => folder.endsWith('pids')) ?? CGROUP_ROOT, `berth-${engine.instance}`);
  const inside = (await run('find', [parent, '-name', 'cgroup.procs', '-exec', 'cat', '{}', '+'], { okStatus: 'any' })).stdout.split('\n').filter(Boolean);
  const frozen = groups.map((folder) => join(folder, `berth-${engine.instance}`)).filter((folder) => folder.includes('freezer'));
  for (const pid of [...tools, ...inside]) await run('kill', ['-9', pid], { okStatus: 'any' });
  for (const folder of frozen) for (const id of await readdir(folder).catch((): string[] => [])) await writeFile(join(folder, id, 'freezer.state'), 'THAWED').catch(() => undefined);
  for (const end = Date.now() + 10_000; Date.now() < end && inside.some((pid) => identify(Number(pid)) !== undefined); ) await delay(20);
  for (const mount of (await mountsUnder(engine.root)).reverse()) await run('umount', ['-l', mount.slice('mount '.length)], { okStatus: 'any' });
  for (const name of await readdir('/run/netns')) if (name.startsWith(`berth-${engine.instance}-`)) await run('ip', ['netns', 'del', name], { okStatus: 'any' });
  const bridges = await Promise.all((await readdir(join(engine.dataRoot, 'networks'))).map(async (name) => (JSON.parse(await readFile(join(engine.dataRoot, 'networks', name), 'utf8')) as { bridge: string }).bridge));
  for (const bridge of bridges.filter(Boolean)) await run('ip', ['link', 'del', bridge], { okStatus: 'any' });
  await run('nft', ['delete', 'table', 'inet', `berth-${engine.instance}`], { okStatus: 'any' });
  for (const folder of groups) await run('find', [join(folder, `berth-${engine.instance}`), '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'], { okStatus: 'any' });
  await rm(engine.runRoot, { recursive: true, force: true });
  await mkdir(engine.runRoot, { recursive: true });
}
