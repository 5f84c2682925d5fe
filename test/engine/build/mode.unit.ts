import assert from 'node:assert/strict';
import { changedMode, parseMode } from '../../../engine/build/copy/mode.ts';

function change(text: string, mode: number, isFolder = false): string {
  const parsed = parseMode(text);
  assert.ok(parsed !== undefined, text);
  return changedMode(parsed, mode, isFolder).toString(8);
}

describe('--chmod', () => {
  it('sets octal modes', () => {
    assert.equal(change('755', 0o600), '755');
    assert.equal(change('4711', 0), '4711');
    assert.equal(parseMode('17777'), undefined);
    assert.equal(parseMode('9'), undefined);
  });

  it('changes modes as chmod does', () => {
    const table: ReadonlyArray<readonly [string, number, string, boolean?]> = [
      ['u=rwX,go=rX', 0o600, '644'],
      ['u=rwX,go=rX', 0o700, '755'],
      ['u=rwX,go=rX', 0o600, '755', true],
      ['+x', 0o644, '755'],
      ['a-w', 0o666, '444'],
      ['go=', 0o777, '700'],
      ['u+s', 0o755, '4755'],
      ['ug-s', 0o6755, '755'],
      ['+t', 0o755, '1755'],
      ['g=u', 0o640, '660'],
      ['o=g-r', 0o654, '651'],
      ['u=rw', 0o4755, '655'],
    ];
    for (const [text, before, after, isFolder] of table) assert.equal(change(text, before, isFolder), after, `${text} on ${before.toString(8)}`);
  });

  it('knows what is neither', () => {
    for (const text of ['', 'rwx', 'u', 'z+x', 'u=rq', 'u+x;rm']) assert.equal(parseMode(text), undefined, text);
  });
});
