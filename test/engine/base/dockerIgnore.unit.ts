import assert from 'node:assert/strict';
import { IgnoreRules } from '../../../engine/base/dockerIgnore.ts';

describe('.dockerignore', () => {
  const table: ReadonlyArray<readonly [rules: string, ignored: string[], kept: string[]]> = [
    ['node_modules', ['node_modules', 'node_modules/a/b'], ['a/node_modules', 'node_modules2']],
    ['**/node_modules', ['node_modules', 'a/node_modules/b'], ['a/node_modulesx']],
    ['*.md', ['a.md'], ['docs/a.md', 'amd']],
    ['**/*.md', ['a.md', 'docs/x/a.md'], ['md']],
    ['*.md\n!README.md', ['a.md'], ['README.md']],
    ['*\n!src', ['a', 'docs/b'], ['src', 'src/a/b']],
    ['*\n!src\nsrc/secret', ['src/secret', 'src/secret/a'], ['src/x']],
    ['!README.md\n*.md', ['README.md'], ['x']],
    ['# comment\n\n  temp  ', ['temp'], ['# comment']],
    ['/a/b/', ['a/b', 'a/b/c'], ['a', 'b']],
    ['a/../b', ['b'], ['a']],
    ['temp?', ['temp1'], ['temp', 'temp/1', 'temp12']],
    ['[ab]x', ['ax', 'bx'], ['cx']],
    ['[^ab]x', ['cx'], ['ax']],
    ['a\\*b', ['a*b'], ['axb']],
    ['docs/**', ['docs/a', 'docs/a/b'], ['docsx']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['az', 'a/b']],
    ['a+b.(c)', ['a+b.(c)'], ['aab.(c)']],
  ];
  for (const [rules, ignored, kept] of table) {
    it(`by ${JSON.stringify(rules)} leaves out ${ignored.join(', ')} and keeps ${kept.join(', ')}`, () => {
      const matcher = new IgnoreRules(rules);
      for (const path of ignored) assert.equal(matcher.ignores(path), true, path);
      for (const path of kept) assert.equal(matcher.ignores(path), false, path);
    });
  }

  it('looks into ignored folders only where a later rule may keep something', () => {
    const rules = new IgnoreRules('*\n!src/app/*.ts');
    assert.deepEqual(['src', 'src/app', 'docs'].map((path) => rules.mayKeepBelow(path)), [true, true, false]);
    assert.equal(new IgnoreRules('*\n!**/keep').mayKeepBelow('anything'), true);
  });

  it('names the line of a pattern that is none', () => {
    assert.throws(() => new IgnoreRules('ok\n[a'), { name: 'SyntaxError', message: /\.dockerignore line 2: .*no closing \]/ });
  });
});
