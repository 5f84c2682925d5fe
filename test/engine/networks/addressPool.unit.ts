import assert from 'node:assert/strict';
import { AddressPool } from '../../../engine/networks/addressPool.ts';
import { requireCidr } from '../../../engine/networks/ipv4.ts';
import { requireCidr6 } from '../../../engine/networks/ipv6.ts';

describe('AddressPool', () => {
  const small = (): AddressPool => AddressPool.four(requireCidr('10.9.0.0/29'), { taken: ['10.9.0.1'] });

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

  it('chooses from a range, and reserves outside of it too', () => {
    const pool = AddressPool.four(requireCidr('10.9.0.0/24'), { range: requireCidr('10.9.0.64/30'), taken: ['10.9.0.1', '10.9.0.65'] });
    assert.ok(pool.reserve('10.9.0.200'));
    assert.deepEqual(Array.from({ length: 4 }, () => pool.take()), ['10.9.0.64', '10.9.0.66', '10.9.0.67', undefined]);
  });

  it('gives IPv6 addresses in their one spelling, and knows them by any', () => {
    const pool = AddressPool.six(requireCidr6('fd12:3::/64'), { taken: ['fd12:3::1'] });
    assert.equal(pool.take(), 'fd12:3::2');
    assert.ok(pool.reserve('FD12:0003:0:0:0:0:0:0004') && !pool.reserve('fd12:3::4'));
    assert.deepEqual([pool.take(), pool.take()], ['fd12:3::3', 'fd12:3::5']);
    pool.giveBack('fd12:3::2');
    assert.equal(pool.take(), 'fd12:3::6');
  });
});
