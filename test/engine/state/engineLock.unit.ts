import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { start } from '../../../engine/host/process.ts';
import { engineAlreadyRunning, takeEngineLock } from '../../../engine/state/engineLock.ts';

describe('engine lock', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-lock-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is held by one at a time, names its holder, and can be taken again after release', async () => {
    const lock = await takeEngineLock(folder);
    await assert.rejects(takeEngineLock(folder), (error) => engineAlreadyRunning.is(error) && error.params['pid'] === process.pid);
    await lock.release();
    await (await takeEngineLock(folder)).release();
  });

  it('keeps other users of the host out of the data folder, also of one that was open', async () => {
    await chmod(folder, 0o755);
    const lock = await takeEngineLock(folder);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    await lock.release();
  });

  it('ignores what an earlier holder wrote', async () => {
    await writeFile(join(folder, 'engine.lock'), `${process.pid}\n`);
    await (await takeEngineLock(folder)).release();
  });

  it('lets exactly one of many starters have it', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeEngineLock(folder)));
    const held = results.filter((result) => result.status === 'fulfilled');
    assert.equal(held.length, 1);
    await held[0]?.value.release();
  });

  it('is free at once when its holder is killed', async () => {
    const holder = `import { takeEngineLock } from ${JSON.stringify(new URL('../../../engine/state/engineLock.ts', import.meta.url).href)};
      await takeEngineLock(${JSON.stringify(folder)}); console.log('held'); setInterval(() => {}, 1000);`;
    const child = start(process.execPath, ['--input-type=module', '-e', holder], { stdio: ['ignore', 'pipe', 'ignore'] });
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    await assert.rejects(takeEngineLock(folder), engineAlreadyRunning.is);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await takeEngineLock(folder)).release();
  });
});
