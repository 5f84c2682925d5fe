import assert from 'node:assert/strict';
import { containerCapabilities, defaultCapabilities, fromMask } from '../../../engine/host/capabilities.ts';

const everything = fromMask('1ffffffffff');
const wish = (parts: Partial<Parameters<typeof containerCapabilities>[0]>): Parameters<typeof containerCapabilities>[0] => ({ privileged: false, add: [], drop: [], ...parts });

describe('capabilities of a container', () => {
  it("are Docker's fourteen by default", () => {
    assert.equal(defaultCapabilities.length, 14);
    assert.deepEqual(containerCapabilities(wish({}), everything), [...defaultCapabilities]);
  });

  it('are added and dropped by name, with and without CAP_, in any case', () => {
    const names = containerCapabilities(wish({ add: ['net_admin', 'CAP_SYS_PTRACE'], drop: ['MKNOD'] }), everything);
    assert.ok(names.includes('CAP_NET_ADMIN') && names.includes('CAP_SYS_PTRACE') && !names.includes('CAP_MKNOD'));
  });

  it('can all be dropped but one', () => {
    assert.deepEqual(containerCapabilities(wish({ add: ['CHOWN'], drop: ['ALL'] }), everything), ['CAP_CHOWN']);
  });

  it('can all be added but one', () => {
    const names = containerCapabilities(wish({ add: ['ALL'], drop: ['SYS_ADMIN'] }), everything);
    assert.equal(names.length, everything.length - 1);
  });

  it('are never more than the engine itself may hand on', () => {
    assert.deepEqual(containerCapabilities(wish({ privileged: true }), ['CAP_CHOWN', 'CAP_KILL']), ['CAP_CHOWN', 'CAP_KILL']);
  });

  it('refuse an unknown name', () => {
    assert.throws(() => containerCapabilities(wish({ add: ['FLY'] }), everything), /unknown capability "FLY"/);
  });
});
