import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { listBridges } from '../../engine/host/ip.ts';
import { cgroupFacts } from '../../engine/host/cgroups.ts';
import { start } from '../../engine/host/process.ts';
import { cgroupsOf } from '../support/cgroupsOf.ts';
import { leftovers } from '../support/leftovers.ts';
import { sweepDeadRuns } from '../support/sweep.ts';
import { testRoots } from '../support/testRoots.ts';

const INSTANCE = 'rtswp';

describe('what a test run leaves that is killed', function () {
  this.timeout(60_000);

  it('is taken away whole by the next run, and not before its owner is dead', async () => {
    const child = start(process.execPath, ['--disable-warning=ExperimentalWarning', 'test/support/killedRunChild.ts', INSTANCE], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(child.stdout);
    const [root] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const there = async (): Promise<string[]> => [
      ...(await leftovers(root, INSTANCE)),
      ...(await cgroupsOf(`berth-${INSTANCE}`, cgroupFacts().version)),
      ...(await listBridges()).filter(({ alias }) => alias === `berth:${root}/data`).map(({ name }) => `bridge ${name}`),
    ];
    const kinds = async (): Promise<string[]> => [...new Set((await there()).map((line) => line.split(' ')[0] ?? ''))].sort();
    const all = ['bridge', 'cgroup', 'link', 'mount', 'netns', 'process', 'table'];
    await sweepDeadRuns();
    assert.deepEqual(await kinds(), all);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(await kinds(), all);
    const swept = await sweepDeadRuns();
    assert.ok(swept.includes(`folder ${root}`), swept.join('\n'));
    assert.deepEqual(await there(), []);
    assert.equal(existsSync(root), false);
    assert.deepEqual((await testRoots()).filter((record) => record.root === root), []);
  });
});
