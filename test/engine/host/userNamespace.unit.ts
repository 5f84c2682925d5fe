import assert from 'node:assert/strict';
import { hasOneId, isHostMap, isMapped, lastMapped, ownerHere, parseIdMap } from '../../../engine/host/userNamespace.ts';

const host = parseIdMap('         0          0 4294967295\n');
const ranges = parseIdMap('         0       1001          1\n         1     100000      65536\n');
const one = parseIdMap('         0       1001          1\n');

describe('maps of ids', () => {
  it('tell the host’s own namespace from every other', () => {
    assert.deepEqual([host, ranges, one].map(isHostMap), [true, false, false]);
  });

  it('say which ids there are', () => {
    assert.deepEqual([0, 1, 65536, 65537].map((id) => isMapped(ranges, id)), [true, true, true, false]);
    assert.deepEqual([host, ranges, one].map(lastMapped), [2 ** 32 - 2, 65536, 0]);
    assert.deepEqual([ranges, one].map((map) => hasOneId({ uids: map, gids: map })), [false, true]);
  });

  it('keep an owner that exists, make every owner the only one there is, and refuse one that does not exist', () => {
    const owner = { uid: 33, gid: 33 };
    assert.deepEqual(ownerHere(owner, '/x', { uids: ranges, gids: ranges }), owner);
    assert.deepEqual(ownerHere(owner, '/x', { uids: one, gids: one }), { uid: 0, gid: 0 });
    assert.throws(() => ownerHere({ uid: 100000, gid: 0 }, '/x', { uids: ranges, gids: ranges }), { code: 'OWNER_UNMAPPED' });
  });
});
