import assert from 'node:assert/strict';
import { cacheLimitsOf } from '../../../engine/build/cache/limits.ts';

const day = 24 * 3600 * 1000;

describe('limits of the build cache', () => {
  for (const [size, bytes] of [['1000', 1000], ['20GB', 20e9], ['1.5 GiB', 1.5 * 1024 ** 3], ['0', 0], ['5kb', 5000]] as const) {
    it(`${size} are ${bytes} bytes`, () => assert.deepEqual(cacheLimitsOf({ BERTH_BUILD_CACHE_SIZE: size, BERTH_BUILD_CACHE_DAYS: '7' }), { maxBytes: bytes, maxAgeMs: 7 * day }));
  }
  it('are twenty gigabytes and thirty days', () => assert.deepEqual(cacheLimitsOf({}), { maxBytes: 20e9, maxAgeMs: 30 * day }));
  for (const env of [{ BERTH_BUILD_CACHE_SIZE: 'much' }, { BERTH_BUILD_CACHE_SIZE: '' }, { BERTH_BUILD_CACHE_SIZE: '-1' }, { BERTH_BUILD_CACHE_SIZE: '5 parsecs' }, { BERTH_BUILD_CACHE_DAYS: 'soon' }]) {
    it(`refuses ${JSON.stringify(env)}`, () => assert.throws(() => cacheLimitsOf(env), { code: 'BAD_REQUEST' }));
  }
});
