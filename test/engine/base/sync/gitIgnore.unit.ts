import assert from 'node:assert/strict';
import { RuleSet, isNeverSynced } from '../../../../engine/base/sync/ruleSet.ts';

const rules = (text: string, extra: string[] = []): RuleSet => new RuleSet({ files: [['', text]], extra, kept: [] });

describe('.gitignore rules', () => {
  const cases: Array<[text: string, path: string, isFolder: boolean, ignored: boolean]> = [
    ['*.log', 'a.log', false, true],
    ['*.log', 'deep/in/a.log', false, true],
    ['/a.log', 'deep/a.log', false, false],
    ['deep/*.log', 'deep/a.log', false, true],
    ['deep/*.log', 'deep/er/a.log', false, false],
    ['build/', 'build', true, true],
    ['build/', 'build', false, false],
    ['build/', 'sub/build', true, true],
    ['**/tmp', 'a/b/tmp', true, true],
    ['a/**/b', 'a/b', false, true],
    ['a/**/b', 'a/x/y/b', false, true],
    ['a/**', 'a', true, false],
    ['a/**', 'a/x', false, true],
    ['a**c', 'abbc', false, true],
    ['a**c', 'a/c', false, false],
    ['*.log\n!keep.log', 'keep.log', false, false],
    ['!keep.log\n*.log', 'keep.log', false, true],
    ['# comment', '# comment', false, false],
    ['\\#file', '#file', false, true],
    ['\\!file', '!file', false, true],
    ['name  ', 'name', false, true],
    ['name\\ ', 'name ', false, true],
    ['[ab].c', 'a.c', false, true],
    ['[!ab].c', 'a.c', false, false],
    ['[a-c]x', 'bx', false, true],
    ['a?c', 'a/c', false, false],
    ['[unclosed', '[unclosed', false, false],
    ['a+b', 'a+b', false, true],
    ['é', 'é', false, true],
    ['x\r\ny', 'x', false, true],
  ];
  for (const [text, path, isFolder, ignored] of cases) {
    it(`${JSON.stringify(text)} ${ignored ? 'leaves out' : 'keeps'} ${path}${isFolder ? '/' : ''}`, () => assert.equal(rules(text).ignores(path, isFolder), ignored));
  }

  it('the file nearest to a path decides', () => {
    const set = new RuleSet({ files: [['', '*.txt'], ['sub', '!*.txt\n/own']], extra: [], kept: [] });
    assert.deepEqual([set.ignores('a.txt', false), set.ignores('sub/a.txt', false), set.ignores('sub/own', false), set.ignores('own', false)], [true, false, true, false]);
  });

  it("the user's own patterns beat all files, and hold in .git too", () => {
    assert.equal(rules('*.env', ['!.env', 'secret']).ignores('.env', false), false);
    assert.equal(rules('', ['secret']).ignores('secret', false), true);
    assert.equal(rules('', ['*.pack']).ignores('.git/objects/pack/x.pack', false), true);
    assert.equal(rules('*.pack').ignores('.git/objects/pack/x.pack', false), false);
  });

  it('what git tracks stays, and nothing else of a folder that is left out', () => {
    const set = rules('out/');
    set.keepTracked(['out/tracked']);
    assert.equal(set.mayKeepBelow('out'), true);
    assert.deepEqual([set.ignores('out/tracked', false), set.ignores('out/other', false), set.leavesOut('out/other', false)], [false, true, true]);
    assert.deepEqual(set.data().kept, ['out/tracked']);
    const told = new RuleSet(set.data());
    assert.deepEqual([told.ignores('out/tracked', false), told.ignores('out/other', false)], [false, true]);
    assert.equal(told.digest, set.digest);
  });

  it('nothing that git has at work is synced', () => {
    assert.deepEqual(['.git/index.lock', 'sub/.git/refs/heads/main.lock', '.git/objects/ab/tmp_obj_x', '.git/objects/pack/tmp_pack_x', '.berth-sync'].map(isNeverSynced), [true, true, true, true, true]);
    assert.deepEqual(['.git', '.git/index', 'package.lock', 'yarn.lock', '.git/objects/ab/cdef', 'sub/.berth-sync'].map(isNeverSynced), [false, false, false, false, false, false]);
  });
});
