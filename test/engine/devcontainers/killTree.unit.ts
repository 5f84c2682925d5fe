import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { killTree } from '../../../engine/devcontainers/exec/killTree.ts';
import { start } from '../../../engine/host/process.ts';
import { parentIn } from '../../../engine/host/processTree.ts';

describe('killing a process with all that descends from it', () => {
  it('reads the parent behind a name that holds anything', () => {
    assert.equal(parentIn('42 (a) b (c) S 7 42 42 0'), 7);
    assert.equal(parentIn(''), 0);
  });

  it('leaves none of the family', async () => {
    const child = start('sh', ['-c', 'sh -c "sleep 600 & echo $!; wait" & wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const grandchild = Number(chunk.toString());
    const ended = once(child, 'exit');
    await killTree(child.pid ?? 0);
    await ended;
    const state = await readFile(`/proc/${grandchild}/stat`, 'utf8').catch(() => 'gone');
    assert.ok(state === 'gone' || / Z /.test(state), state);
  });
});
