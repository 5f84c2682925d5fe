import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../../../engine/base/errors.ts';
import { seededRandom } from '../../../support/random.ts';
import { treeOf } from '../../../support/syncPair.ts';
import { SyncWorld } from '../../../support/syncWorld.ts';

/** Writes, renames and removes in a folder as if there were no sync. */
async function work(root: string, tag: string, random: () => number): Promise<void> {
  for (let step = 0; step < 200; step++) {
    const folder = join(root, `d${Math.floor(random() * 3)}`);
    const path = join(folder, `f${Math.floor(random() * 6)}`);
    const what = random();
    try {
      if (what < 0.08) rmSync(folder, { recursive: true, force: true });
      else if (what < 0.15) rmSync(path, { force: true });
      else {
        mkdirSync(folder, { recursive: true });
        const target = what < 0.5 ? `${path}.saving-${tag}` : path;
        writeFileSync(target, `${tag}${step} ${'x'.repeat(random() * 50_000)}`);
        if (target !== path) renameSync(target, path);
      }
    } catch (error) {
      // The other side took the folder away just now.
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
    }
    await delay(random() * 8);
  }
}

describe('two who work in the same few files on both sides at once', () => {
  it('never stop the sync, and end with equal folders', async function () {
    this.timeout(60_000);
    await using world = await SyncWorld.open();
    const session = await world.session();
    await session.flush();
    const halts: string[] = [];
    session.onStatus(({ state, detail }) => {
      if (state === 'halted' || state === 'disconnected') halts.push(detail ?? state);
    });
    // A file of each side that the other leaves alone: whatever happens, it is there at the end.
    writeFileSync(join(world.local, 'mine'), 'mine');
    writeFileSync(join(world.remote, 'theirs'), 'theirs');
    await Promise.all([work(world.local, 'L', seededRandom(1)), work(world.remote, 'R', seededRandom(2))]);
    const { pending, problems } = await session.flush();
    assert.deepEqual([halts, pending, problems], [[], 0, []]);
    const tree = treeOf(world.local);
    assert.deepEqual(treeOf(world.remote), tree);
    assert.deepEqual([tree['mine'], tree['theirs']], ['644 mine', '644 theirs']);
  });
});
