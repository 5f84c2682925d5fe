import assert from 'node:assert/strict';
import { describeTarget, invalidHostUrl, parseHostUrl } from '../../../../engine/remote/ssh/target.ts';

describe('the address of a host', () => {
  const good: ReadonlyArray<readonly [string, object]> = [
    ['ssh://dev@example.org:2222', { host: 'example.org', user: 'dev', port: 2222 }],
    ['SSH://example.org/', { host: 'example.org' }],
    ['ssh://a%40b@h', { host: 'h', user: 'a@b' }],
    ['ssh://[fe80::1%eth0]:22', { host: 'fe80::1%eth0', port: 22 }],
    ['dev@example.org', { host: 'example.org', user: 'dev' }],
    ['dev@corp@bastion', { host: 'bastion', user: 'dev@corp' }],
    ['example.org:2222', { host: 'example.org', port: 2222 }],
    ['::1', { host: '::1' }],
    ['[::1]:2222', { host: '::1', port: 2222 }],
    ['my_alias', { host: 'my_alias' }],
  ];
  for (const [text, expected] of good) it(`reads ${text}`, () => assert.deepEqual(parseHostUrl(text), expected));

  const bad: ReadonlyArray<readonly [string, RegExp]> = [
    ['', /the host is empty/],
    ['ssh://', /the host is empty/],
    ['@h', /the user before @ is empty/],
    ['http://h', /only ssh:\/\/ is known/],
    ['ssh://h/path', /a path does not belong here/],
    ['ssh://h:0', /port "0"/],
    ['h:99999', /port "99999"/],
    ['h:ssh', /port "ssh"/],
    ['-oProxyCommand=x', /characters that no host name has/],
    ['a b', /characters that no host name has/],
    ['h$(id)', /characters that no host name has/],
    ['`id`@h', /characters that no user name has/],
    ['-l@h', /characters that no user name has/],
    ['ssh://%zz@h', /two hex digits/],
  ];
  for (const [text, message] of bad) {
    it(`refuses "${text}" and says why`, () => assert.throws(() => parseHostUrl(text), (error: unknown) => invalidHostUrl.is(error) && message.test(error.message)));
  }

  it('does not repeat a password that someone put into the address', () => {
    assert.throws(() => parseHostUrl('ssh://me:s3cret@h'), (error: unknown) => invalidHostUrl.is(error) && !error.message.includes('s3cret') && !JSON.stringify(error.params).includes('s3cret'));
  });

  it('describes a host as a person would write it', () => {
    assert.equal(describeTarget({ host: 'h', user: 'u', port: 22 }), 'u@h');
    assert.equal(describeTarget({ host: '::1', user: 'u', port: 2222 }), 'u@[::1]:2222');
  });
});
