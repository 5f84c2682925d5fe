import assert from 'node:assert/strict';
import { containerDetailsSchema, containerRowSchema } from '../../../src/client/container.ts';
import { detailsToContainer, toContainer } from '../../../src/client/toContainer.ts';

describe('a container as the views know it', () => {
  it('is the same from the list and from an inspection', () => {
    const row = containerRowSchema.parse({
      Id: 'abc',
      Names: ['/web'],
      Image: 'nginx:1',
      Created: 1700000000,
      State: 'running',
      Labels: { a: 'b' },
      Ports: [
        { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
        { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
        { PrivatePort: 443, Type: 'tcp' },
      ],
    });
    const details = containerDetailsSchema.parse({
      Id: 'abc',
      Name: '/web',
      Created: '2023-11-14T22:13:20.123456789Z',
      Config: { Image: 'nginx:1', Labels: { a: 'b' } },
      State: { Status: 'running' },
      NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }, { HostIp: '::', HostPort: '8080' }], '443/tcp': null } },
    });
    assert.deepEqual(toContainer(row), detailsToContainer(details));
    assert.deepEqual(toContainer(row).ports, [{ privatePort: 80, publicPort: 8080, protocol: 'tcp', address: '0.0.0.0' }]);
  });

  it('needs neither names nor labels nor ports', () => {
    const container = toContainer(containerRowSchema.parse({ Id: '0123456789abcdef', Names: null, Image: 'i', Created: 0, State: 'created', Labels: null, Ports: null }));
    assert.equal(container.name, '0123456789ab');
  });
});
