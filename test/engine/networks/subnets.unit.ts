import assert from 'node:assert/strict';
import { requireCidr, formatCidr, overlaps } from '../../../engine/networks/ipv4.ts';
import { chooseSubnet, collision, firstCandidate, takenByRoutes } from '../../../engine/networks/subnets.ts';

describe('subnets', () => {
  it('chooses a private /16 that no route of the host overlaps', () => {
    const taken = takenByRoutes([{ dst: 'default', dev: 'eth0' }, { dst: '10.201.0.0/24', dev: 'tun0' }, { dst: '10.202.3.4', dev: 'eth0' }]);
    assert.equal(formatCidr(chooseSubnet(taken) ?? requireCidr('0.0.0.0/0')), '10.203.0.0/16');
  });

  it('falls back to smaller networks when a VPN routes all of 10.0.0.0/8', () => {
    const taken = [requireCidr('10.0.0.0/8')];
    const chosen = chooseSubnet(taken, 5);
    assert.ok(chosen && !overlaps(chosen, requireCidr('10.0.0.0/8')));
    assert.equal(chosen.prefix, 20);
  });

  it('says so when nothing is free', () => assert.equal(chooseSubnet([requireCidr('0.0.0.0/0')]), undefined));

  it('does not count the routes of its own bridge', () => {
    const routes = [{ dst: '10.201.0.0/16', dev: 'berth0' }];
    assert.deepEqual(takenByRoutes(routes, new Set(['berth0'])), []);
    assert.equal(collision(requireCidr('10.201.0.0/16'), takenByRoutes(routes)), '10.201.0.0/16');
  });

  it('starts at the same place for the default instance', () => assert.equal(firstCandidate('berth'), 0));
});
