import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stopInBackground, placeOf } from '../../../engine/remote/sync/background.ts';
import { SyncRecords } from '../../../engine/remote/sync/syncRecord.ts';
import { syncForUp } from '../../../engine/remote/sync/syncForUp.ts';
import { bundle, TestEngine } from '../../support/engine.ts';
import { put, treeOf } from '../../support/syncPair.ts';
import { until } from '../../support/syncWorld.ts';

/** Through the built CLI and a real engine. */
describe('berth sync, clone and build with a context from elsewhere', () => {
  let engine: TestEngine;
  let local: string;
  let remote: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    engine = await TestEngine.start({ instance: 'syn1' });
    local = join(engine.root, 'local');
    remote = join(engine.root, 'remote');
    env = { BERTH_SYNC_STATE: join(engine.root, 'state'), HOME: join(engine.root, 'home') };
  });
  after(() => engine.remove());
  beforeEach(() => put(local, { a: '1', '.gitignore': 'out/\n', 'out/x': 'x' }));

  const berth = async (...args: string[]): Promise<string> => (await engine.berth(args, { env })).stdout;

  it('syncs in the background until it is stopped, and goes on where it was', async () => {
    assert.match(await berth('sync', 'start', local, remote, '--ignore', '*.tmp'), /<->/);
    await berth('sync', 'flush', local);
    assert.deepEqual(Object.keys(treeOf(remote)), ['.gitignore', 'a']);
    put(local, { b: '2', 'c.tmp': '' });
    await until('the new file is there', () => existsSync(join(remote, 'b')));
    const [listed] = JSON.parse(await berth('sync', 'list', '--json')) as Array<{ local: string; status: { state: string } }>;
    assert.deepEqual([listed?.local, listed?.status.state], [local, 'watching']);
    assert.match(await berth('sync', 'status', local), /in sync/);
    await assert.rejects(engine.berth(['sync', 'run', local, remote, '--ignore', '*.tmp'], { env }), /SYNC_ALREADY_RUNS/);
    assert.match(await berth('sync', 'stop', local), /Stopped/);
    assert.equal((await engine.berth(['sync', 'status', local], { env, okStatus: [3] })).status, 3);
    put(remote, { a: 'written while it was stopped' });
    await berth('sync', 'start', local, remote);
    await berth('sync', 'flush', local);
    assert.equal(readFileSync(join(local, 'a'), 'utf8'), 'written while it was stopped');
    await berth('sync', 'stop', local, '--forget');
    assert.deepEqual(JSON.parse(await berth('sync', 'list', '--json')), []);
  });

  it('goes on after the engine was killed', async () => {
    await berth('sync', 'start', local, remote);
    await engine.kill();
    put(local, { 'after-the-kill': 'x' });
    await until('the file is there', () => existsSync(join(remote, 'after-the-kill')));
    await berth('sync', 'stop', local, '--forget');
  });

  it('for up: one call makes a folder there equal, in its own place, and keeps it so', async () => {
    const records = new SyncRecords(join(engine.root, 'up-state'));
    const launcher = { program: process.execPath, args: [bundle], env: { ...engine.env, BERTH_SYNC_STATE: records.folder } };
    const { remoteFolder, record } = await syncForUp({ records, folder: local, socketPath: engine.client.socketPath, launcher, signal: new AbortController().signal });
    try {
      assert.equal(readFileSync(join(remoteFolder, 'a'), 'utf8'), readFileSync(join(local, 'a'), 'utf8'));
      const again = await syncForUp({ records, folder: local, socketPath: engine.client.socketPath, launcher, signal: new AbortController().signal });
      assert.deepEqual([again.remoteFolder, again.record.id], [remoteFolder, record.id]);
    } finally {
      await stopInBackground(placeOf(records, record));
      execFileSync('rm', ['-rf', remoteFolder]);
    }
  });

  it('clones on the host and prints the folder', async () => {
    const origin = join(engine.root, 'origin');
    mkdirSync(origin);
    for (const args of [['init', '-q'], ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'one']]) execFileSync('git', args, { cwd: origin });
    const folder = join(engine.root, 'clone');
    assert.equal(await berth('clone', origin, folder), `${folder}\n`);
    assert.ok(existsSync(join(folder, '.git')));
    await assert.rejects(engine.berth(['clone', 'ext::sh', folder], { env }), /CLONE_URL_INVALID/);
  });

  it('builds from what was sent, the same image as in place, and sends little the second time', async () => {
    const context = join(engine.root, 'context');
    put(context, { Dockerfile: 'FROM scratch\nCOPY . /\n', '.dockerignore': 'Dockerfile\n.dockerignore\nlog\n', 'app/x': 'x'.repeat(100_000), log: 'l' });
    await delay(150); // the stat caches do not trust what is as new as that
    const inPlace = await berth('build', '--no-cache', context);
    const sent = await engine.berth(['build', '--send-context', context], { env });
    assert.equal(sent.stdout, inPlace);
    put(context, { 'app/y': 'y' });
    const second = await engine.berth(['build', '--send-context', '-t', 'sent:2', context], { env });
    assert.match(second.stderr, /context: 1 changed, \d+B sent/);
    assert.notEqual(second.stdout, sent.stdout);
  });
});
