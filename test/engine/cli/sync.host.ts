import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TestEngine } from '../../support/engine.ts';
import { put } from '../../support/syncPair.ts';
import { until } from '../../support/syncWorld.ts';

/** Through the built CLI and a real engine. */
describe('berth sync, and build with a context from elsewhere', () => {
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

  it('goes on after the engine was killed', async () => {
    await berth('sync', 'start', local, remote);
    await engine.kill();
    put(local, { 'after-the-kill': 'x' });
    await until('the file is there', () => existsSync(join(remote, 'after-the-kill')));
    await berth('sync', 'stop', local, '--forget');
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
