import assert from 'node:assert/strict';
import { createBody } from '../../../engine/cli/commands/network/create.ts';

describe('berth network create', () => {
  it('puts what belongs to one family together', () => {
    const body = createBody('n', { subnet: ['fd00::/64', '10.1.0.0/16'], gateway: ['10.1.0.9', 'fd00::9'], ipRange: ['10.1.2.0/24'], auxAddress: ['a=10.1.0.5', 'b=fd00::5'], ipv6: true, opt: ['egress=allow:x,fd00::/8', 'flag'], label: ['k=v=w'] });
    assert.deepEqual(body, {
      Name: 'n',
      Driver: 'bridge',
      EnableIPv6: true,
      Internal: false,
      Attachable: false,
      Options: { egress: 'allow:x,fd00::/8', flag: '' },
      Labels: { k: 'v=w' },
      IPAM: { Driver: 'default', Config: [{ Subnet: '10.1.0.0/16', Gateway: '10.1.0.9', IPRange: '10.1.2.0/24', AuxiliaryAddresses: { a: '10.1.0.5' } }, { Subnet: 'fd00::/64', Gateway: 'fd00::9', AuxiliaryAddresses: { b: 'fd00::5' } }] },
    });
  });

  it('asks for nothing where nothing is said, and says which flag is wrong', () => {
    assert.deepEqual((createBody('n', {}) as { IPAM: unknown }).IPAM, { Driver: 'default', Config: [] });
    assert.throws(() => createBody('n', { auxAddress: ['10.1.0.5'] }), /--aux-address 10\.1\.0\.5: expected key=value/);
  });
});
