import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Activity } from '../../../engine/server/activity.ts';

describe('Activity', () => {
  it('is idle only when no work is open and nothing needs the engine', async () => {
    let idle = 0;
    let needed = true;
    const activity = new Activity(0.02, () => needed, () => (idle += 1));
    const done = activity.begin();
    await delay(60);
    assert.equal(idle, 0, 'open work');
    done();
    done();
    await delay(60);
    assert.equal(idle, 0, 'still needed');
    needed = false;
    await delay(80);
    assert.equal(idle, 1);
    activity.stop();
  });

  it('never leaves when asked to stay', async () => {
    const activity = new Activity(0, () => false, () => assert.fail('left'));
    activity.begin()();
    await delay(20);
    activity.stop();
  });
});
