import assert from 'node:assert/strict';
import fc from 'fast-check';
import { engineUser, keepIdMap, keepIdMaps, outsideId } from '../../../engine/host/keepId.ts';
import { parseIdMap } from '../../../engine/host/userNamespace.ts';

const usual = parseIdMap('0 1001 1\n1 100000 65536');

describe('keep-id', () => {
  it('makes one id of the container the engine’s user, and moves those below it up by one', () => {
    assert.deepEqual(keepIdMap(1000, usual), [
      { inside: 0, outside: 1, size: 1000 },
      { inside: 1000, outside: 0, size: 1 },
      { inside: 1001, outside: 1001, size: 64_536 },
    ]);
  });

  it('leaves everything as it is for root', () => {
    assert.deepEqual(keepIdMap(0, usual), [{ inside: 0, outside: 0, size: 1 }, { inside: 1, outside: 1, size: 65_536 }]);
    assert.deepEqual(keepIdMap(0, parseIdMap('0 1001 1')), [{ inside: 0, outside: 0, size: 1 }]);
  });

  it('never reaches over two ranges of the user’s, which the kernel refuses', () => {
    const several = parseIdMap('0 1001 1\n1 100000 500\n501 700000 65036');
    assert.deepEqual(keepIdMap(1000, several), [
      { inside: 0, outside: 1, size: 500 },
      { inside: 500, outside: 501, size: 500 },
      { inside: 1000, outside: 0, size: 1 },
      { inside: 1001, outside: 1001, size: 64_536 },
    ]);
  });

  it('is not possible for an id that is higher than there are ids, nor over a hole', () => {
    assert.equal(keepIdMap(1000, parseIdMap('0 1001 1')), undefined);
    assert.equal(keepIdMap(1000, parseIdMap('0 1001 1\n1 100000 999')), undefined);
    assert.equal(keepIdMap(1000, parseIdMap('0 1001 1\n1 100000 1000'))?.at(-1)?.inside, 1000);
    assert.equal(keepIdMap(1000, parseIdMap('0 1001 1\n1 100000 100\n200 200000 65536')), undefined);
    assert.equal(keepIdMaps({ uid: 1000, gid: 70_000 }, { uids: usual, gids: usual }), undefined);
  });

  it('gives every id that there is to exactly one of the container’s', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }), fc.nat(600), (sizes, id) => {
        const ours = [{ inside: 0, outside: 1001, size: 1 }];
        for (const size of sizes) ours.push({ inside: ours.reduce((sum, one) => sum + one.size, 0), outside: 100_000 + ours.length * 1000, size });
        const total = ours.reduce((sum, { size }) => sum + size, 0);
        const map = keepIdMap(id, ours);
        if (id >= total) return assert.equal(map, undefined);
        const outside = Array.from({ length: total }, (_, inside) => outsideId(map ?? [], inside));
        assert.equal(outside[id], 0);
        assert.deepEqual(outside.toSorted((a, b) => Number(a) - Number(b)), Array.from({ length: total }, (_, one) => one));
        for (const one of map ?? []) assert.ok(ours.some(({ inside, size }) => one.outside >= inside && one.outside + one.size <= inside + size));
      }),
    );
  });

  it('knows who the engine’s user is on the host', () => {
    assert.deepEqual(engineUser({ uids: usual, gids: parseIdMap('0 100 1') }), { uid: 1001, gid: 100 });
  });
});
