import assert from 'node:assert/strict';
import { refuseUnsupported, withoutEffect } from '../../../engine/containers/unsupported.ts';

describe('settings that this version does not honour', () => {
  for (const [host, name] of [
    [{ DeviceRequests: [{ Driver: 'nvidia' }] }, 'DeviceRequests'],
    [{ Runtime: 'kata' }, 'runtime'],
  ] as const) {
    it(`${name} is refused by name`, () => assert.throws(() => refuseUnsupported(host), (error: Error & { code?: string }) => error.code === 'NOT_IMPLEMENTED' && error.message.includes(name)));
  }

  it('what clients always send, empty, is fine', () => {
    refuseUnsupported({ DeviceRequests: null, UsernsMode: '', StorageOpt: {}, CgroupParent: '', Runtime: 'runc', CpuRealtimePeriod: 0 });
    assert.deepEqual(withoutEffect({ LogConfig: { Type: 'json-file', Config: {} }, KernelMemory: 0 }), []);
  });

  it('what only tunes is answered with a warning each', () => {
    const warnings = withoutEffect({ LogConfig: { Type: 'syslog', Config: { 'max-size': '10m', labels: 'a', compress: 'true' } }, KernelMemory: 5 });
    assert.equal(warnings.length, 3);
    assert.ok(warnings.every((warning) => warning.startsWith('This version of Berth does not act on ')));
  });
});
