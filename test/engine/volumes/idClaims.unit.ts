import assert from 'node:assert/strict';
import { IdClaims } from '../../../engine/volumes/idClaims.ts';

const [one, two] = [{ uid: 500, gid: 5 }, { uid: 1000, gid: 1000 }];

describe('IdClaims', () => {
  it('lets those with the same ids have a volume together, and makes others wait until the last of them has let go', async () => {
    const claims = new IdClaims();
    const order: string[] = [];
    const releases = await Promise.all([claims.take('v', one, 'a'), claims.take('v', { ...one }, 'b')]);
    const waiting = claims.take('v', two, 'c').then((release) => (order.push('c'), release));
    const last = claims.take('v', undefined, 'd').then((release) => (order.push('d'), release));
    assert.deepEqual(claims.holders('v'), ['a', 'b']);
    releases[0]?.();
    await claims.take('w', two, 'c');
    assert.deepEqual(order, []);
    releases[1]?.();
    const release = await Promise.race([waiting, last]);
    assert.equal(order.length, 1, 'of two that waited, with ids of their own, one goes on');
    release();
    await Promise.all([waiting, last]);
    assert.deepEqual(order.sort(), ['c', 'd']);
  });

  it('forgets who has let go, also of a volume that somebody else has taken since', async () => {
    const claims = new IdClaims();
    const release = await claims.take('v', undefined, 'a');
    release();
    assert.deepEqual(claims.holders('v'), []);
    await claims.take('v', one, 'b');
    release();
    assert.deepEqual(claims.holders('v'), ['b']);
  });
});
