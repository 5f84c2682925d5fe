import assert from 'node:assert/strict';
import { isTransient, pause, waitBefore } from '../../../engine/registry/retry.ts';

describe('patience with registries', () => {
  it('waits twice as long each time, unless the registry says how long', () => {
    assert.deepEqual([1, 2, 3, 4].map((attempt) => waitBefore(attempt, undefined, 0, 0.5)), [200, 400, 800, 1600]);
    assert.equal(waitBefore(1, '7'), 7000);
    assert.equal(waitBefore(1, '100000'), 60_000, 'not for ever');
    assert.equal(waitBefore(1, new Date(5000).toUTCString(), 2000), 3000);
    assert.equal(waitBefore(1, new Date(1000).toUTCString(), 2000), 0);
    assert.equal(waitBefore(1, 'soon', 0, 0.5), 200);
  });

  it('knows which answers may be others later', () => {
    assert.deepEqual([200, 401, 404, 408, 429, 500, 501, 502, 503, 504].filter(isTransient), [408, 429, 500, 502, 503, 504]);
  });

  it('ends at once when the work is cancelled', async () => {
    const controller = new AbortController();
    const waiting = pause(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, { message: 'enough' });
  });
});
