import assert from 'node:assert/strict';
import { fingerprintOf, hasCertificateAuthority, judgeHostKey, knownHostLine, knownKeyTypes, knownName, parseKnownHosts } from '../../../../engine/remote/ssh/knownHosts.ts';

const blob = (type: string, body: string): Buffer => {
  const word = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  return Buffer.concat([word(type), word(body)]);
};
const ed = blob('ssh-ed25519', 'one');
const ed2 = blob('ssh-ed25519', 'two');
const rsa = blob('ssh-rsa', 'three');
const judge = (text: string, name: string, key: Buffer): string => judgeHostKey(parseKnownHosts(text, 'f'), name, key).kind;
const ed64 = ed.toString('base64');

describe('known_hosts', () => {
  const cases: ReadonlyArray<readonly [name: string, text: string, host: string, key: Buffer, verdict: string]> = [
    ['a plain line', `h ssh-ed25519 ${ed64} comment`, 'h', ed, 'known'],
    ['a list of names, other case', `a,H,10.0.0.1 ssh-ed25519 ${ed64}`, 'h', ed, 'known'],
    ['a pattern', `*.example.org ssh-ed25519 ${ed64}`, 'a.example.org', ed, 'known'],
    ['a negated name', `*.example.org,!a.example.org ssh-ed25519 ${ed64}`, 'a.example.org', ed, 'unknown'],
    ['another port is another name', `h ssh-ed25519 ${ed64}`, '[h]:2222', ed, 'unknown'],
    ['a port', `[h]:2222 ssh-ed25519 ${ed64}`, '[h]:2222', ed, 'known'],
    ['another key', `h ssh-ed25519 ${ed64}`, 'h', ed2, 'changed'],
    ['a key of another type', `h ssh-ed25519 ${ed64}`, 'h', rsa, 'changed'],
    ['one of two keys', `h ssh-ed25519 ${ed64}\nh ssh-rsa ${rsa.toString('base64')}`, 'h', rsa, 'known'],
    ['a revoked key, though listed', `h ssh-ed25519 ${ed64}\n@revoked * ssh-ed25519 ${ed64}`, 'h', ed, 'revoked'],
    ['a certificate authority vouches for no plain key', `@cert-authority h ssh-ed25519 ${ed64}`, 'h', ed, 'unknown'],
    ['comments and rubbish', `# h ssh-ed25519 ${ed64}\nh\n@odd h ssh-ed25519 ${ed64}\n\n`, 'h', ed, 'unknown'],
    ['no file', '', 'h', ed, 'unknown'],
  ];
  for (const [name, text, host, key, verdict] of cases) it(`${name}: ${verdict}`, () => assert.equal(judge(text, host, key), verdict));

  it('finds hashed lines, its own and those of ssh-keygen -H', () => {
    const own = knownHostLine('[h]:22000', ed, true);
    assert.doesNotMatch(own, /h\]/);
    assert.equal(judge(own, '[h]:22000', ed), 'known');
    assert.equal(judge(own, 'h', ed), 'unknown');
    // a published example of a hashed name
    assert.equal(judge(`|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${ed64}`, '192.168.1.61', ed), 'known');
  });

  it('says which line speaks against a key', () => {
    const verdict = judgeHostKey(parseKnownHosts(`x ssh-rsa AAAA\nh ssh-rsa ${rsa.toString('base64')}\nh ssh-ed25519 ${ed64}`, '/known'), 'h', ed2);
    assert.deepEqual(verdict.kind === 'changed' && [verdict.by.file, verdict.by.line], ['/known', 3]);
  });

  it('names hosts with their port unless it is 22, and lists the types to ask for', () => {
    assert.equal(knownName('Host', 22), 'host');
    assert.equal(knownName('::1', 2222), '[::1]:2222');
    const lines = parseKnownHosts(`h ssh-ed25519 ${ed64}\n* ssh-rsa AAAA\n@cert-authority *.corp ssh-rsa AAAA`, 'f');
    assert.deepEqual(knownKeyTypes(lines, 'h'), ['ssh-ed25519', 'ssh-rsa']);
    assert.equal(hasCertificateAuthority(lines, 'a.corp'), true);
    assert.equal(hasCertificateAuthority(lines, 'h'), false);
  });

  it('shows fingerprints as ssh-keygen does', () => {
    // ssh-keygen -lf of GitHub's published ed25519 key
    const github = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
    assert.equal(fingerprintOf(github), 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
  });
});
