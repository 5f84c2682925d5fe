import assert from 'node:assert/strict';
import fc from 'fast-check';
import { familiarTag, parseReference } from '../../../engine/registry/reference.ts';

const hex = 'a'.repeat(64);

describe('image references', () => {
  const good: ReadonlyArray<readonly [string, { domain: string; path: string; tag?: string; digest?: string; shown: string }]> = [
    ['debian', { domain: 'docker.io', path: 'library/debian', shown: 'debian:latest' }],
    ['debian:bookworm', { domain: 'docker.io', path: 'library/debian', tag: 'bookworm', shown: 'debian:bookworm' }],
    ['library/debian', { domain: 'docker.io', path: 'library/debian', shown: 'debian:latest' }],
    ['docker.io/debian', { domain: 'docker.io', path: 'library/debian', shown: 'debian:latest' }],
    ['docker.io/library/debian:12', { domain: 'docker.io', path: 'library/debian', tag: '12', shown: 'debian:12' }],
    ['index.docker.io/debian', { domain: 'docker.io', path: 'library/debian', shown: 'debian:latest' }],
    ['team/app', { domain: 'docker.io', path: 'team/app', shown: 'team/app:latest' }],
    ['team/sub/app:1.0', { domain: 'docker.io', path: 'team/sub/app', tag: '1.0', shown: 'team/sub/app:1.0' }],
    ['library/a/b', { domain: 'docker.io', path: 'library/a/b', shown: 'library/a/b:latest' }],
    ['localhost/app', { domain: 'localhost', path: 'app', shown: 'localhost/app:latest' }],
    ['localhost:5000/app', { domain: 'localhost:5000', path: 'app', shown: 'localhost:5000/app:latest' }],
    ['localhost:5000/app:1', { domain: 'localhost:5000', path: 'app', tag: '1', shown: 'localhost:5000/app:1' }],
    ['127.0.0.1:5000/app', { domain: '127.0.0.1:5000', path: 'app', shown: '127.0.0.1:5000/app:latest' }],
    ['[::1]:5000/app', { domain: '[::1]:5000', path: 'app', shown: '[::1]:5000/app:latest' }],
    ['example.com/a_b/c__d/e-f.g', { domain: 'example.com', path: 'a_b/c__d/e-f.g', shown: 'example.com/a_b/c__d/e-f.g:latest' }],
    ['Example.com/app', { domain: 'Example.com', path: 'app', shown: 'Example.com/app:latest' }],
    ['host:8080', { domain: 'docker.io', path: 'library/host', tag: '8080', shown: 'host:8080' }],
    [`debian@sha256:${hex}`, { domain: 'docker.io', path: 'library/debian', digest: `sha256:${hex}`, shown: `debian@sha256:${hex}` }],
    [`example.com/app@sha512:${hex}${hex}`, { domain: 'example.com', path: 'app', digest: `sha512:${hex}${hex}`, shown: `example.com/app@sha512:${hex}${hex}` }],
    [`example.com/app:1@sha256:${hex}`, { domain: 'example.com', path: 'app', tag: '1', digest: `sha256:${hex}`, shown: 'example.com/app:1' }],
    [`a:${'t'.repeat(128)}`, { domain: 'docker.io', path: 'library/a', tag: 't'.repeat(128), shown: `a:${'t'.repeat(128)}` }],
  ];
  for (const [text, { shown, ...expected }] of good) {
    it(`${text.slice(0, 60)} is ${shown.slice(0, 60)}`, () => {
      const reference = parseReference(text);
      assert.deepEqual({ domain: reference.domain, path: reference.path, tag: reference.tag, digest: reference.digest }, { tag: undefined, digest: undefined, ...expected });
      assert.equal(familiarTag(reference), shown);
    });
  }

  for (const text of ['', ':tag', 'a:', 'a:-x', `a:${'t'.repeat(129)}`, 'Debian', 'team/App', 'a//b', '/a', 'a/', 'a b', 'a@sha256:123', `a@sha512:${hex}`, `a@sha256:${hex}${hex}`, 'a@md5:abc', '-a', 'a-', 'a..b', 'a___b', '../a', 'http://example.com/a', 'example.com:port/a', hex, `${'a'.repeat(256)}`, 'a:b:c', 'é']) {
    it(`refuses "${text.slice(0, 40)}"`, () => assert.throws(() => parseReference(text), { code: 'INVALID_REFERENCE', status: 400 }));
  }

  it('a short name and the long one that it stands for are the same, and names come back as they were', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?$/);
    const host = fc.constantFrom('docker.io', 'example.com', 'localhost:5000', '127.0.0.1:80', 'registry.local');
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
    fc.assert(
      fc.property(host, fc.array(component, { minLength: 1, maxLength: 3 }), tag, (domain, components, version) => {
        const path = domain === 'docker.io' && components.length === 1 ? `library/${components[0] ?? ''}` : components.join('/');
        fc.pre(components.length === 1 || !/[.:]/.test(components[0] ?? ''));
        const long = parseReference(`${domain}/${path}:${version}`);
        const short = parseReference(familiarTag(long));
        assert.deepEqual(short, long);
        assert.deepEqual([long.domain, long.path, long.tag], [domain, path, version]);
      }),
    );
  });
});
