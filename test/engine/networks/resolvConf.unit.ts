import assert from 'node:assert/strict';
import { resolvConfByName, resolvConfFor } from '../../../engine/networks/resolvConf.ts';

describe('resolv.conf for containers', () => {
  it('keeps reachable resolvers, search domains and options', () => {
    assert.equal(resolvConfFor('# made by hand\nnameserver 10.0.0.53\nsearch corp.example\noptions ndots:2\n', undefined), 'search corp.example\noptions ndots:2\nnameserver 10.0.0.53\n');
  });

  it('replaces systemd-resolved’s loopback address by the resolvers behind it', () => {
    assert.equal(resolvConfFor('nameserver 127.0.0.53\noptions edns0\n', 'nameserver 192.168.1.1\nnameserver fe80::1%2\n'), 'options edns0\nnameserver 192.168.1.1\n');
  });

  it('names the network’s own server where there is one, and lets it be asked for names without a dot', () => {
    assert.equal(resolvConfByName('nameserver 10.0.0.53\nsearch corp.example\noptions ndots:2 edns0\n', ['10.202.0.1']), 'search corp.example\nnameserver 10.202.0.1\noptions edns0 ndots:0\n');
  });

  it('falls back to public resolvers when the host names none a container could reach', () => {
    assert.equal(resolvConfFor('nameserver 127.0.0.1\nnameserver ::1\n', undefined), 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
  });
});
