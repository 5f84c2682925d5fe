import assert from 'node:assert/strict';
import { expandWord } from '../../../engine/build/dockerfile/expand.ts';

const variables: Readonly<Record<string, string>> = { x: 'X', empty: '', path: '/a b', file: 'a-b.tar.gz', stars: '**' };

function expand(word: string, escape = '\\'): string {
  return expandWord(word, escape, (name) => variables[name], (problem) => {
    throw new Error(`${problem.at}: ${problem.detail}`);
  });
}

describe('expansion of variables', () => {
  const table: ReadonlyArray<readonly [string, string]> = [
    ['plain', 'plain'],
    ['$x', 'X'],
    ['a${x}b', 'aXb'],
    ['$xy', ''],
    ['${none:-d}', 'd'],
    ['${empty:-d}', 'd'],
    ['${empty-d}', ''],
    ['${none-d}', 'd'],
    ['${x:+set}', 'set'],
    ['${empty:+set}', ''],
    ['${empty+set}', 'set'],
    ['${none:+set}', ''],
    ['${none:-${x}y}', 'Xy'],
    ['${x:?must be set}', 'X'],
    ['${file#*.}', 'tar.gz'],
    ['${file##*.}', 'gz'],
    ['${file%.*}', 'a-b.tar'],
    ['${file%%.*}', 'a-b'],
    ['${file/a/A}', 'A-b.tar.gz'],
    ['${file//a/A}', 'A-b.tAr.gz'],
    ['${file/a}', '-b.tar.gz'],
    ['${file/t*/x}', 'a-b.x'],
    ['${file//./${x}}', 'a-bXtarXgz'],
    ['${file#"*."}', 'a-b.tar.gz'],
    ['${stars#\\*}', '*'],
    ['${file%none}', 'a-b.tar.gz'],
    ['${none#a}', ''],
    ['${file//?/.}', '..........'],
    ["'$x'", '$x'],
    ['"$x y"', 'X y'],
    ['"a\\"b"', 'a"b'],
    ['"a\\nb"', 'a\\nb'],
    ['\\$x', '$x'],
    ['a\\ b', 'a b'],
    ['$', '$'],
    ['$-', '$-'],
    ['"$path"/c', '/a b/c'],
  ];
  for (const [word, expected] of table) it(`makes ${JSON.stringify(expected)} of ${word}`, () => assert.equal(expand(word), expected));

  it('takes the escape character of the file', () => {
    assert.equal(expand('C:\\$x', '`'), 'C:\\X');
    assert.equal(expand('`$x', '`'), '$x');
  });

  const broken: ReadonlyArray<readonly [string, RegExp]> = [
    ["a'b", /^1: .*single quote/],
    ['a"b', /^1: .*double-quote/],
    ['ab${x', /^2: .*closing }/],
    ['${}', /^0: .*bad substitution/],
    ['${x:=y}', /^0: .*unsupported modifier/],
    ['${x%y', /^0: .*closing } is missing/],
    ['${x/a/b', /^0: .*closing } is missing/],
    ['${none:?must be set}', /^0: none: must be set/],
  ];
  for (const [word, message] of broken) it(`refuses ${word} at its place`, () => assert.throws(() => expand(word), { message }));
});
