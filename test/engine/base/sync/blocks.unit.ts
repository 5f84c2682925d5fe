import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BlockEncoder, blockSizeFor, blockSum } from '../../../../engine/base/sync/blocks.ts';
import { ContentWriter, readRecords } from '../../../../engine/base/sync/contentStream.ts';
import type { ContentRecord } from '../../../../engine/base/sync/contentStream.ts';
import { seededRandom } from '../../../support/random.ts';

const size = 2048;

function sums(old: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at + size <= old.length; at += size) blocks.push(blockSum(old.subarray(at, at + size)));
  return Buffer.concat(blocks);
}

/** The new version as it is built from the old one; and the bytes that travel. */
function rebuilt(old: Buffer, fresh: Buffer, pieces: number): { result: Buffer; sent: number } {
  const encoder = new BlockEncoder({ blockSize: size, sums: sums(old) });
  const parts: Buffer[] = [];
  let sent = 0;
  const take = (ops: Iterable<ReturnType<BlockEncoder['push']> extends Generator<infer Op> ? Op : never>): void => {
    for (const op of ops) {
      if (op.kind === 'copy') parts.push(old.subarray(op.block * size, (op.block + op.count) * size));
      else {
        parts.push(Buffer.from(op.data));
        sent += op.data.length;
      }
    }
  };
  const step = Math.max(1, Math.ceil(fresh.length / pieces));
  for (let at = 0; at < fresh.length; at += step) take(encoder.push(fresh.subarray(at, at + step)));
  take(encoder.finish());
  return { result: Buffer.concat(parts), sent };
}

function noise(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

describe('the blocks of a file', () => {
  it('give the new version, whatever was cut, moved, put in or repeated, in whatever pieces it is read', () => {
    const old = noise(40_000, 1);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40_000), fc.nat(9000), fc.constantFrom('copy', 'new', 'zero')), { maxLength: 8 }), fc.integer({ min: 1, max: 20 }), (parts, pieces) => {
        const fresh = Buffer.concat(parts.map(([start, length, what], index) => (what === 'copy' ? old.subarray(start, start + length) : what === 'new' ? noise(length, index + 2) : Buffer.alloc(length))));
        assert.ok(rebuilt(old, fresh, pieces).result.equals(fresh));
      }),
      { numRuns: 60 },
    );
  });

  it('send little when some bytes were put in at the front, in the middle, or changed', () => {
    const old = noise(200_000, 3);
    for (const fresh of [Buffer.concat([Buffer.from('front'), old]), Buffer.concat([old.subarray(0, 100_001), Buffer.from('middle'), old.subarray(100_001)]), Buffer.concat([old.subarray(0, 50_000), Buffer.from('x'), old.subarray(50_001)])]) {
      assert.ok(rebuilt(old, fresh, 3).sent < 3 * size);
    }
  });

  it('are as large as the root of the file, within limits', () => {
    assert.deepEqual([0, 1 << 20, 1 << 30, 2 ** 40].map(blockSizeFor), [1 << 11, 1 << 11, 1 << 15, 1 << 17]);
  });
});

describe('a stream of content', () => {
  it('says again what was put in, and refuses what is cut or unknown', () => {
    const records: ContentRecord[] = [{ kind: 'file', index: 7, mtime: 1764113400123.5 }, { kind: 'data', data: Buffer.from('abc') }, { kind: 'copy', block: 3, count: 9 }, { kind: 'close', intact: true }, { kind: 'file', index: 8, mtime: 0 }, { kind: 'close', intact: false }];
    const writer = new ContentWriter();
    for (const record of records) writer.add(record);
    const chunk = writer.take() ?? Buffer.alloc(0);
    assert.deepEqual([...readRecords(chunk)], records);
    assert.equal(writer.take(), undefined);
    assert.throws(() => [...readRecords(chunk.subarray(0, 16))], { code: 'SYNC_PEER_INVALID' });
    assert.throws(() => [...readRecords(Buffer.from([9]))], { code: 'SYNC_PEER_INVALID' });
  });
});
