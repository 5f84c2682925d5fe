import assert from 'node:assert/strict';
import { contains, formatAddress, formatCidr, isMac, macOf, overlaps, parseAddress, parseCidr, requireCidr } from '../../../engine/networks/ipv4.ts';

describe('ipv4', () => {
  it('reads and writes addresses, also above 127', () => {
    assert.equal(formatAddress(parseAddress('192.168.255.1') ?? 0), '192.168.255.1');
    for (const bad of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1.2.3.-4']) assert.equal(parseAddress(bad), undefined, bad);
  });

  it('reduces a CIDR to its network', () => {
    assert.equal(formatCidr(requireCidr('10.1.2.3/16')), '10.1.0.0/16');
    assert.equal(formatCidr(requireCidr('10.1.2.3')), '10.1.2.3/32');
    for (const bad of ['10.0.0.0/33', '10.0.0.0/', 'default', '10.0.0/8']) assert.equal(parseCidr(bad), undefined, bad);
    assert.throws(() => requireCidr('nonsense'), { code: 'BAD_REQUEST' });
  });

  it('knows overlap and containment', () => {
    const [wide, narrow, beside] = [requireCidr('10.0.0.0/8'), requireCidr('10.201.0.0/16'), requireCidr('11.0.0.0/8')];
    assert.ok(overlaps(wide, narrow) && overlaps(narrow, wide) && !overlaps(wide, beside));
    assert.ok(contains(narrow, parseAddress('10.201.255.255') ?? 0) && !contains(narrow, parseAddress('10.202.0.0') ?? 0));
  });

  it('takes nothing but one device’s MAC for a MAC', () => {
    assert.ok(isMac('02:42:ac:11:00:02') && isMac('0A:42:AC:11:00:02'));
    for (const bad of ['', '02:42:ac:11:00', '01:00:5e:00:00:01', '02:42:ac:11:00:02\nlink del eth0', '02:42:ac:11:00:02 mtu 68']) assert.ok(!isMac(bad), bad);
  });

  it('derives a MAC as Docker does', () => assert.equal(macOf(parseAddress('172.17.0.2') ?? 0), '02:42:ac:11:00:02'));
});
