import assert from 'node:assert/strict';
import { compareApiVersions, splitApiVersion } from '../../../engine/server/apiVersion.ts';

describe('API version', () => {
  it('is taken from the path; without one the newest is spoken', () => {
    assert.deepEqual(splitApiVersion('/v1.41/containers/json'), { version: '1.41', path: '/containers/json' });
    assert.deepEqual(splitApiVersion('/info'), { version: '1.47', path: '/info' });
    assert.deepEqual(splitApiVersion('/berth/v1/doctor'), { version: '1.47', path: '/berth/v1/doctor' });
  });

  for (const path of ['/v1.40/info', '/v1.48/info', '/v2.0/info']) {
    it(`${path} is refused`, () => assert.throws(() => splitApiVersion(path), { code: 'API_VERSION_UNSUPPORTED' }));
  }

  it('compares numbers, not text', () => {
    assert.ok(compareApiVersions('1.9', '1.41') < 0);
    assert.ok(compareApiVersions('2.0', '1.47') > 0);
    assert.equal(compareApiVersions('1.45', '1.45'), 0);
  });
});
