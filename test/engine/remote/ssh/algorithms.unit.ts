import assert from 'node:assert/strict';
import { algorithmsFor } from '../../../../engine/remote/ssh/algorithms.ts';

const none = { hostKey: undefined, kex: undefined, cipher: undefined, mac: undefined };

describe('the algorithms that are offered', () => {
  it('types of key that are known for the host come first, so that it shows one that can be compared', () => {
    const { algorithms } = algorithmsFor(none, ['ssh-rsa']);
    assert.ok(Array.isArray(algorithms.serverHostKey));
    assert.deepEqual(algorithms.serverHostKey.slice(0, 4), ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa', 'ssh-ed25519']);
  });

  const cases: ReadonlyArray<readonly [string, readonly string[]]> = [
    ['aes256-ctr,chacha20-poly1305@openssh.com,aes128-ctr', ['aes256-ctr', 'aes128-ctr']],
    ['-aes*-gcm@openssh.com', ['aes128-ctr', 'aes192-ctr', 'aes256-ctr']],
    ['^aes256-ctr', ['aes256-ctr', 'aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr']],
    ['+3des-cbc', ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr']],
  ];
  for (const [said, expected] of cases) it(`Ciphers ${said}`, () => assert.deepEqual(algorithmsFor({ ...none, cipher: said }, []).algorithms.cipher, expected));

  it('an explicit order of host keys is kept, and what leaves nothing is named', () => {
    assert.deepEqual(algorithmsFor({ ...none, hostKey: 'ssh-rsa,ssh-ed25519' }, ['ssh-ed25519']).algorithms.serverHostKey, ['ssh-rsa', 'ssh-ed25519']);
    assert.deepEqual(algorithmsFor({ ...none, kex: 'sntrup761x25519-sha512' }, []).missing, ['KexAlgorithms']);
  });
});
