import assert from 'node:assert/strict';
import { logPolicy } from '../../../engine/containers/logPolicy.ts';
import { nextLook } from '../../../engine/containers/logRotator.ts';

describe('logPolicy', () => {
  it('keeps all unless told otherwise, five files of 20 MB with local, nothing with none', () => {
    assert.deepEqual(logPolicy({}), { kept: 'all', maxSize: Infinity, maxFiles: 1 });
    assert.deepEqual(logPolicy({ LogConfig: { Type: 'local', Config: null } }), { kept: 'some', maxSize: 20 * 1024 ** 2, maxFiles: 5 });
    assert.deepEqual(logPolicy({ LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } } }), { kept: 'some', maxSize: 10 * 1024 ** 2, maxFiles: 3 });
    assert.equal(logPolicy({ LogConfig: { Type: 'none', Config: {} } }).kept, 'none');
  });
});

describe('nextLook', () => {
  it('comes sooner the faster a log grows, within bounds', () => {
    assert.equal(nextLook(undefined, { size: 0, at: 0 }, 1e6), 50);
    assert.equal(nextLook({ size: 10, at: 0 }, { size: 10, at: 1000 }, 1e6), 500);
    assert.equal(nextLook({ size: 0, at: 0 }, { size: 100_000, at: 100 }, 600_000), 250);
    assert.equal(nextLook({ size: 0, at: 0 }, { size: 900_000, at: 10 }, 1e6), 50);
    assert.equal(nextLook({ size: 0, at: 0 }, { size: 2e6, at: 10 }, 1e6), 50);
  });
});
