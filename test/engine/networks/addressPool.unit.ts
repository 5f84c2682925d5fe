import assert from 'node:assert/strict';
import { AddressPool } from '../../../engine/networks/addressPool.ts';
import { requireCidr } from '../../../engine/networks/ipv4.ts';

describe('AddressPool', () => {
  const small = (): AddressPool => new AddressPool(requireCidr('10.9.0.0/29'), '10.9.0.1');

  it('gives every address but the network’s, the gateway’s and the broadcast’s, once', () => {
    const pool = small();
    assert.deepEqual(Array.from({ length: 6 }, () => pool.take()), ['10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5', '10.9.0.6', undefined]);
  });

  it('gives a returned address again only after the others', () => {
    const pool = small();
    const first = pool.take() ?? '';
    pool.giveBack(first);
    assert.equal(pool.take(), '10.9.0.3');
    for (let index = 0; index < 3; index++) pool.take();
    assert.equal(pool.take(), first);
  });

  it('reserves a wished address if it is free and of this network', () => {
    const pool = small();
    assert.ok(pool.reserve('10.9.0.4'));
    assert.ok(!pool.reserve('10.9.0.4') && !pool.reserve('10.9.0.1') && !pool.reserve('10.8.0.1') && !pool.reserve('nonsense'));
  });
});
