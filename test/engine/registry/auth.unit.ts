import assert from 'node:assert/strict';
import { parseChallenge, parseRegistryAuth } from '../../../engine/registry/auth.ts';

const header = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('registry authentication', () => {
  it('reads what Docker’s clients send, in each of its forms', () => {
    assert.deepEqual(parseRegistryAuth(header({ username: 'u', password: 'p', serveraddress: 'x' })), { username: 'u', password: 'p' });
    assert.deepEqual(parseRegistryAuth(header({ auth: Buffer.from('u:p:q').toString('base64') })), { username: 'u', password: 'p:q' });
    assert.deepEqual(parseRegistryAuth(header({ registrytoken: 'T' })), { token: 'T' });
    assert.deepEqual(parseRegistryAuth(header({ username: 'u', identitytoken: 'I' })), { identityToken: 'I' });
    for (const nothing of [undefined, '', 'e30=', '@@@', header([]), header({ username: 'u' })]) assert.equal(parseRegistryAuth(nothing), undefined);
  });

  it('reads challenges', () => {
    assert.deepEqual(parseChallenge('Bearer realm="https://auth.example.com/token",service="example.com",scope="repository:a/b:pull,push"'), {
      scheme: 'bearer',
      parameters: { realm: 'https://auth.example.com/token', service: 'example.com', scope: 'repository:a/b:pull,push' },
    });
    assert.deepEqual(parseChallenge('basic realm=test'), { scheme: 'basic', parameters: { realm: 'test' } });
    assert.equal(parseChallenge('Negotiate'), undefined);
    const bearer = { scheme: 'bearer', parameters: { realm: 'https://auth.example.com/token', service: 'a, b' } };
    for (const several of ['Bearer realm="https://auth.example.com/token",service="a, b", Basic realm="other"', 'Basic realm="other", Bearer realm="https://auth.example.com/token", service="a, b"', 'Negotiate, Bearer realm="https://auth.example.com/token",service="a, b"']) assert.deepEqual(parseChallenge(several), bearer, several);
    assert.deepEqual(parseChallenge('Negotiate, Basic realm="other"'), { scheme: 'basic', parameters: { realm: 'other' } });
    assert.deepEqual(parseChallenge('Basic'), { scheme: 'basic', parameters: {} });
  });
});
