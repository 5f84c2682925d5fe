import assert from 'node:assert/strict';
import { DetachFilter, parseDetachKeys } from '../../../engine/containers/detachKeys.ts';
import { frame } from '../../../engine/containers/framing.ts';

describe("Docker's frame", () => {
  it('says stream and length', () => {
    assert.deepEqual([...frame('stderr', Buffer.from('hey'))], [2, 0, 0, 0, 0, 0, 0, 3, 104, 101, 121]);
    assert.equal(frame('stdout', Buffer.alloc(70_000)).readUInt32BE(4), 70_000);
  });
});

describe('detach keys', () => {
  const feed = (filter: DetachFilter, ...chunks: string[]): string => chunks.map((chunk) => filter.feed(Buffer.from(chunk))).map(({ data, detach }) => `${data.toString()}${detach ? '!' : ''}`).join('|');

  it('are ctrl-p ctrl-q unless others are chosen', () => {
    assert.deepEqual(parseDetachKeys(''), [16, 17]);
    assert.deepEqual(parseDetachKeys('a,ctrl-@'), [97, 0]);
    assert.throws(() => parseDetachKeys('ctrl-é'), /Invalid detach keys/);
  });

  it('are noticed also when they arrive one by one, and not handed on', () => {
    assert.equal(feed(new DetachFilter([16, 17]), 'ab\x10', '\x11cd'), 'ab|!');
  });

  it('are handed on when the sequence is not finished', () => {
    assert.equal(feed(new DetachFilter([16, 17]), '\x10x', '\x10\x10\x11'), '\x10x|\x10!');
  });
});
