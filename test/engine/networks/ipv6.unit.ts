import assert from 'node:assert/strict';
import { canonicalAddress, contains6, formatAddress6, formatCidr6, overlaps6, parseAddress6, parseCidr6, requireCidr6 } from '../../../engine/networks/ipv6.ts';
import { collision6, uniqueLocal } from '../../../engine/networks/subnets.ts';

describe('IPv6 addresses', () => {
  const spellings: Array<[string, string]> = [
    ['::', '::'],
    ['::1', '::1'],
    ['FD00:0:0:0:0:0:0:0001', 'fd00::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2::', '1:0:0:2::'],
    ['fe80::', 'fe80::'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['10:0:100:0:0:0:0:10', '10:0:100::10'],
    ['0:0:1:20:0:0:0:5', '0:0:1:20::5'],
  ];
  for (const [text, expected] of spellings) it(`${text} is ${expected}`, () => assert.equal(formatAddress6(parseAddress6(text) ?? -1n), expected));

  it('are not what else there is', () => {
    for (const bad of ['', '1.2.3.4', 'fe80::1%eth0', '1::2::3', 'g::']) assert.equal(parseAddress6(bad), undefined, bad);
    assert.equal(canonicalAddress('1.2.3.4'), '1.2.3.4');
  });

  it('are of networks', () => {
    const cidr = requireCidr6('fd00:1::7/64');
    assert.equal(formatCidr6(cidr), 'fd00:1::/64');
    assert.ok(contains6(cidr, parseAddress6('fd00:1::ffff') ?? 0n) && !contains6(cidr, parseAddress6('fd00:1:0:1::') ?? 0n));
    assert.ok(overlaps6(cidr, requireCidr6('fd00:1::/48')) && !overlaps6(cidr, requireCidr6('fd00:2::/48')));
    for (const bad of ['fd00::/129', 'fd00::/', '10.0.0.0/8']) assert.equal(parseCidr6(bad), undefined, bad);
    assert.throws(() => requireCidr6('nonsense'), { code: 'BAD_REQUEST' });
  });

  it('are chosen from a network’s own random prefix, unless that is taken', () => {
    const chosen = uniqueLocal('0123456789abcdef'.repeat(4));
    assert.equal(formatCidr6(chosen), 'fd01:2345:6789:abcd::/64');
    assert.equal(collision6(chosen, ['default', '', 'fe00::/16', '::/0']), undefined);
    assert.equal(collision6(chosen, ['fd01:2345::/32']), 'fd01:2345::/32');
  });
});
