import assert from 'node:assert/strict';
import fc from 'fast-check';
import { common, freeRange, rangesOf, usernsWish } from '../../../engine/containers/idRanges.ts';

describe('ids of containers with user namespaces of their own', () => {
  it('reads what --userns wants beside the engine’s setting', () => {
    const auto = { kind: 'auto', size: 65_536 };
    const wishes = [['', ''], ['', 'auto'], ['', 'default'], ['host', 'auto'], ['private', ''], ['private', 'ann'], ['auto', 'ann'], ['auto:size=9', ''], ['remap', '']] as const;
    assert.deepEqual(wishes.map(([mode, setting]) => usernsWish(mode, setting)), [{ kind: 'none' }, auto, { kind: 'remap' }, { kind: 'none' }, auto, { kind: 'remap' }, auto, { kind: 'auto', size: 9 }, { kind: 'remap' }]);
    for (const wrong of ['auto:size=', 'auto:size=0', 'auto:uid=1', 'nonsense', 'container:x']) assert.throws(() => usernsWish(wrong, ''), { code: 'INVALID_CONTAINER_CONFIG' });
  });

  it('reads keep-id as Podman does', () => {
    const wishes = ['keep-id', 'keep-id:uid=1000', 'keep-id:uid=1000,gid=1001', 'keep-id:gid=5'].map((mode) => usernsWish(mode, 'auto'));
    assert.deepEqual(wishes, [{ kind: 'keep-id' }, { kind: 'keep-id', uid: 1000 }, { kind: 'keep-id', uid: 1000, gid: 1001 }, { kind: 'keep-id', gid: 5 }]);
    for (const wrong of ['keep-id:', 'keep-id:uid=', 'keep-id:uid=x', 'keep-id:1000', 'keep-id:uid=1,size=2', 'keep-ids']) assert.throws(() => usernsWish(wrong, ''), { code: 'INVALID_CONTAINER_CONFIG' });
  });

  it('reads /etc/subuid: of the names meant only, and never the host’s root', () => {
    const text = 'ann:100000:65536\nberth:200000:10\n# berth:1:1\nberth:bad:1\nberth:0:10\ncontainers:300000:5';
    assert.deepEqual(rangesOf(text, ['berth', 'containers']), [{ first: 200_000, size: 10 }, { first: 300_000, size: 5 }]);
  });

  it('takes what users and groups have in common', () => {
    assert.deepEqual(common([{ first: 10, size: 10 }], [{ first: 15, size: 100 }, { first: 5, size: 6 }]), [{ first: 15, size: 5 }, { first: 10, size: 1 }]);
    assert.deepEqual(common([{ first: 1, size: 1 }], []), []);
  });

  it('never gives an id twice, stays in the pool, and finds a gap that is there', () => {
    const span = fc.record({ first: fc.integer({ min: 1, max: 300 }), size: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(fc.array(span, { maxLength: 4 }), fc.array(fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 50 }) }), fc.record({ drop: fc.nat() })), { maxLength: 30 }), (pool, steps) => {
        const used: Array<{ first: number; size: number }> = [];
        for (const step of steps) {
          if ('drop' in step) {
            used.splice(step.drop % (used.length || 1), 1);
            continue;
          }
          const free = (first: number): boolean => used.every((one) => first + step.take <= one.first || first >= one.first + one.size);
          const within = (first: number): boolean => pool.some((one) => first >= one.first && first + step.take <= one.first + one.size);
          const got = freeRange(pool, used, step.take);
          if (got) {
            assert.ok(free(got.first) && within(got.first));
            used.push(got);
          } else for (let first = 1; first < 400; first++) assert.ok(!(free(first) && within(first)), `${first} was free`);
        }
      }),
    );
  });
});
