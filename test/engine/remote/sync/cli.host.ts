import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../../../engine/host/process.ts';
import type { RunResult } from '../../../../engine/host/process.ts';
import { placeOf, stopInBackground } from '../../../../engine/remote/sync/background.ts';
import { syncForUp } from '../../../../engine/remote/sync/syncForUp.ts';
import { SyncRecords } from '../../../../engine/remote/sync/syncRecord.ts';
import { put, treeOf } from '../../../support/syncPair.ts';
import { SyncWorld, until } from '../../../support/syncWorld.ts';

const script = resolve(import.meta.dirname, '../../../../engine/main.ts');

describe('berth sync and berth clone', () => {
  let world: SyncWorld;
  let local: string;
  let remote: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    world = await SyncWorld.open();
    ({ local, remote } = world);
    env = { ...process.env, BERTH_SOCKET: world.client.socketPath, BERTH_SYNC_STATE: join(world.folder, 'state') };
  });
  after(() => world[Symbol.asyncDispose]());
  beforeEach(() => put(local, { a: '1', '.gitignore': 'out/\n', 'out/x': 'x' }));

  const result = (args: readonly string[], okStatus: readonly number[] = [0]): Promise<RunResult> => run(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], { env, okStatus });
  const berth = async (...args: string[]): Promise<string> => (await result(args)).stdout;

  it('syncs in the background until it is stopped, and goes on where it was', async () => {
    assert.match(await berth('sync', 'start', local, remote, '--ignore', '*.tmp'), /<->/);
    await berth('sync', 'flush', local);
    assert.deepEqual(Object.keys(treeOf(remote)), ['.gitignore', 'a']);
    put(local, { b: '2', 'c.tmp': '' });
    await until('the new file is there', () => existsSync(join(remote, 'b')));
    const [listed] = JSON.parse(await berth('sync', 'list', '--json')) as Array<{ local: string; status: { state: string } }>;
    assert.deepEqual([listed?.local, listed?.status.state], [local, 'watching']);
    assert.match(await berth('sync', 'status', local), /in sync/);
    await assert.rejects(result(['sync', 'run', local, remote, '--ignore', '*.tmp']), /SYNC_ALREADY_RUNS/);
    assert.match(await berth('sync', 'stop', local), /Stopped/);
    assert.equal((await result(['sync', 'status', local], [3])).status, 3);
    put(remote, { a: 'written while it was stopped' });
    await berth('sync', 'start', local, remote);
    await berth('sync', 'flush', local);
    assert.equal(readFileSync(join(local, 'a'), 'utf8'), 'written while it was stopped');
    await berth('sync', 'stop', local, '--forget');
    assert.deepEqual(JSON.parse(await berth('sync', 'list', '--json')), []);
  });

  it('for up: one call makes a folder there equal, in its own place, and keeps it so', async () => {
    const records = new SyncRecords(join(world.folder, 'up-state'));
    const launcher = { program: process.execPath, args: [script], env: { ...env, BERTH_SYNC_STATE: records.folder } };
    const { remoteFolder, record } = await syncForUp({ records, folder: local, socketPath: world.client.socketPath, launcher, signal: new AbortController().signal });
    try {
      assert.equal(readFileSync(join(remoteFolder, 'a'), 'utf8'), readFileSync(join(local, 'a'), 'utf8'));
      const again = await syncForUp({ records, folder: local, socketPath: world.client.socketPath, launcher, signal: new AbortController().signal });
      assert.deepEqual([again.remoteFolder, again.record.id], [remoteFolder, record.id]);
      const running = async (): Promise<string> => (await run('pgrep', ['-f', `sync run --id ${record.id}$`], { okStatus: [0, 1] })).stdout;
      assert.notEqual(await running(), '');
      await rm(records.folder, { recursive: true });
      while ((await running()) !== '') await delay(50); // who forgets a sync by removing its record ends it
    } finally {
      await stopInBackground(placeOf(records, record));
    }
  });

  it('clones on the host and prints the folder', async () => {
    const origin = join(world.folder, 'origin');
    mkdirSync(origin);
    for (const args of [['init', '-q'], ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'one']]) execFileSync('git', args, { cwd: origin });
    const folder = join(world.folder, 'clone');
    assert.equal(await berth('clone', origin, folder), `${folder}\n`);
    assert.ok(existsSync(join(folder, '.git')));
    await assert.rejects(result(['clone', 'ext::sh', folder]), /CLONE_URL_INVALID/);
  });
});
