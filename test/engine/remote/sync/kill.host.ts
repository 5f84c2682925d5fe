import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../../../../engine/host/process.ts';
import { seededRandom } from '../../../support/random.ts';
import { put, treeOf } from '../../../support/syncPair.ts';
import { SyncWorld, until } from '../../../support/syncWorld.ts';

const child = resolve(import.meta.dirname, '../../../support/syncChild.ts');

describe('a sync whose process is killed', () => {
  it('at any moment, while both sides are being written to, loses nothing and ends equal with nothing of its own left', async function () {
    this.timeout(90_000);
    await using world = await SyncWorld.open();
    const random = seededRandom(20261125);
    const { record, stateFolder } = world;
    let written = 0;
    for (let round = 0; round < 6; round++) {
      const process_ = start(process.execPath, [child, record.socketPath, record.id, world.local, world.remote, stateFolder], { stdio: 'inherit' });
      try {
        await until('the host side is there', () => existsSync(world.remote));
        const rounds = 3 + Math.floor(random() * 5);
        for (let step = 0; step < rounds; step++) {
          // New names only: what one side overwrites or removes itself is no loss.
          put(random() < 0.5 ? world.local : world.remote, Object.fromEntries(Array.from({ length: 30 }, () => [`d${Math.floor(random() * 5)}/f${written}`, `content ${written++} ${'x'.repeat(Math.floor(random() * 40_000))}`])));
          await delay(random() * 40);
        }
      } finally {
        process_.kill('SIGKILL');
        await once(process_, 'exit');
      }
    }
    await using session = await world.session();
    const status = await session.flush();
    assert.equal(status.pending, 0);
    assert.deepEqual(treeOf(world.remote), treeOf(world.local));
    const files = Object.keys(treeOf(world.local)).filter((path) => /\/f\d+$/.test(path));
    assert.equal(files.length, written, 'every file that was written is there');
    assert.deepEqual(status.conflicts, [], 'nothing was taken for a conflict');
    for (const root of [world.local, world.remote]) assert.deepEqual(readdirSync(root).filter((name) => name.startsWith('.berth')), []);
  });
});
