import assert from 'node:assert/strict';
import { DetachDetector, parseDetachKeys } from '../../../engine/cli/terminal/detachKeys.ts';

describe('detach keys', () => {
  it('are letters and ctrl-letters', () => {
    assert.deepEqual(parseDetachKeys('ctrl-p,ctrl-q'), [16, 17]);
    assert.deepEqual(parseDetachKeys('a,ctrl-[,ctrl-@'), [97, 27, 0]);
    assert.equal(parseDetachKeys('ctrl-p,escape'), undefined);
  });

  const table: Array<[string[], string, boolean]> = [
    [['abc'], 'abc', false],
    [['\x10\x11'], '', true],
    [['ab\x10', '\x11cd'], 'ab', true],
    [['\x10x'], '\x10x', false],
    [['\x10\x10\x11'], '\x10', true],
    [['\x11\x10'], '\x11', false],
  ];
  for (const [chunks, forwarded, detached] of table) {
    it(JSON.stringify(chunks), () => {
      const detector = new DetachDetector([16, 17]);
      const results = chunks.map((chunk) => detector.push(Buffer.from(chunk)));
      assert.equal(results.map(({ forward }) => forward.toString()).join(''), forwarded);
      assert.equal(results.some((result) => result.detached), detached);
    });
  }

  it('none: everything is passed on', () => assert.deepEqual(new DetachDetector([]).push(Buffer.from('\x10\x11')), { forward: Buffer.from('\x10\x11'), detached: false }));
});
