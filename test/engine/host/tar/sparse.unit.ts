import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import type { Segment } from '../../../../engine/host/tar/entry.ts';
import { LayerTranslator } from '../../../../engine/host/tar/layerTranslator.ts';
import { readTar } from '../../../../engine/host/tar/reader.ts';
import { layerRules } from '../../../../engine/host/tar/layerRules.ts';
import { SPARSE_FORMS, sparseMember } from '../../../support/sparseFiles.ts';
import type { SparseClaim } from '../../../support/sparseFiles.ts';
import { encodePax, inPieces, member, tarball } from '../../../support/tarball.ts';

/** What is read of an archive's files: name, size, and their bytes by place. */
async function read(archive: Buffer, piece = 700): Promise<Array<{ path: string; size: number; content: Array<[at: number, text: string]> }>> {
  const files: Array<{ path: string; size: number; content: Array<[number, string]> }> = [];
  const bytes: Buffer[] = [];
  for await (const part of readTar(inPieces(archive, piece))) {
    bytes.push(part.kind === 'entry' ? part.raw : part.data);
    if (part.kind === 'entry') files.push({ path: part.entry.path, size: part.entry.size, content: [] });
    const content = files.at(-1)?.content;
    const last = content?.at(-1);
    if (part.kind !== 'content' || part.data.length === 0) continue;
    if (last && last[0] + last[1].length === part.at) last[1] += part.data.toString();
    else content?.push([part.at, part.data.toString()]);
  }
  assert.ok(Buffer.concat(bytes).equals(archive), 'every byte of it is in one part');
  return files;
}

const claim = (size: number, segments: ReadonlyArray<readonly [at: number, length: number]>, more: Partial<SparseClaim> = {}): SparseClaim => ({ size, segments: segments.map(([at, length]) => ({ at, length })), data: Buffer.alloc(segments.reduce((sum, [, length]) => sum + Math.max(0, length), 0), 'x'), ...more });

for (const form of Object.keys(SPARSE_FORMS)) {
  describe(`sparse files in the form ${form}`, () => {
    it('have their bytes where the map says, with files before and after, whatever pieces they come in', async () => {
      const data = Buffer.from('firstsecond');
      const archive = tarball([{ path: 'before', content: 'b' }, sparseMember(form, 'd/sparse', { size: 1_000_000, segments: [{ at: 4096, length: 5 }, { at: 700_000, length: 6 }, { at: 1_000_000, length: 0 }], data }), { path: 'after', content: 'a' }]);
      for (const piece of [1, 333, 512, archive.length]) {
        assert.deepEqual(await read(archive, piece), [
          { path: 'before', size: 1, content: [[0, 'b']] },
          { path: 'd/sparse', size: 1_000_000, content: [[4096, 'first'], [700_000, 'second']] },
          { path: 'after', size: 1, content: [[0, 'a']] },
        ]);
      }
    });

    it('are read as they were, however many runs they have', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 33 }), fc.integer({ min: 1, max: 20 })), { maxLength: 60 }), fc.nat(1000), async (gaps, tail) => {
          const segments: Segment[] = [];
          let end = 0;
          for (const [gap, length] of gaps) {
            segments.push({ at: end + gap, length });
            end += gap + length;
          }
          const [file] = await read(tarball([sparseMember(form, 's', { size: end + tail, segments, data: Buffer.alloc(segments.reduce((sum, { length }) => sum + length, 0), 'x') })]));
          assert.deepEqual(file, { path: 's', size: end + tail, content: segments.map(({ at, length }) => [at, 'x'.repeat(length)]) });
        }),
        { numRuns: 40 },
      );
    });

    const hostile: ReadonlyArray<readonly [what: string, SparseClaim, RegExp]> = [
      ['overlap', claim(1000, [[0, 10], [5, 10]]), /out of order/],
      ['go backwards', claim(1000, [[100, 10], [0, 10]]), /out of order/],
      ['lead beyond the file’s end', claim(1000, [[995, 10]]), /beyond the end/],
      ['lead beyond all numbers', claim(Number.MAX_SAFE_INTEGER, [[Number.MAX_SAFE_INTEGER - 1, 10]]), /beyond the end/],
      ['begin before the file', claim(1000, [[-10, 10]]), /no number|out of order/],
      ['are shorter than nothing', claim(1000, [[0, 10], [20, -10]]), /no number/],
      ['are more than the archive has', claim(1000, [[0, 10]], { data: Buffer.alloc(9) }), /is of 10 bytes, the archive has 9/],
      ['are less than the archive has', claim(1000, [[0, 10]], { data: Buffer.alloc(700) }), /is of 10 bytes, the archive has 700/],
      ['are of a file smaller than nothing', claim(-1, []), /no number|beyond the end/],
    ];
    for (const [what, lie, message] of hostile) {
      it(`are refused when runs ${what}`, () => assert.rejects(read(tarball([sparseMember(form, 's', lie)])), { code: 'ARCHIVE_INVALID', message }));
    }

    it('are refused with too many runs, before they take memory', async () => {
      const many = Array.from({ length: form === 'PAX 0.0' ? 25_000 : 250_000 }, (_none, at): [number, number] => [at * 2, 1]);
      await assert.rejects(read(tarball([sparseMember(form, 's', claim(600_000, many))]), 100_000), { code: 'ARCHIVE_UNSUPPORTED' });
    });

    it('are refused when their map is cut off', async () => {
      const archive = tarball([sparseMember(form, 's', claim(10_000, Array.from({ length: 100 }, (_none, at) => [at * 100, 10])))]);
      await assert.rejects(read(archive.subarray(0, form === 'old GNU' ? 1024 : form === 'PAX 1.0' ? 2048 : 1024)), { code: 'ARCHIVE_INVALID' });
    });
  });
}

describe('sparse files that are none', () => {
  const refused: ReadonlyArray<readonly [string, Buffer, string, RegExp]> = [
    ['a form that is not known', Buffer.concat([encodePax([['GNU.sparse.major', 2], ['GNU.sparse.minor', 0], ['GNU.sparse.realsize', 1]]), member({ path: 's' })]), 'ARCHIVE_UNSUPPORTED', /form 2\.0/],
    ['a folder with a map', Buffer.concat([encodePax([['GNU.sparse.size', 1], ['GNU.sparse.numblocks', 0]]), member({ path: 's', type: 'directory' })]), 'ARCHIVE_INVALID', /no file/],
    ['a map of halves', Buffer.concat([encodePax([['GNU.sparse.size', 9], ['GNU.sparse.numblocks', 1], ['GNU.sparse.numbytes', 1], ['GNU.sparse.offset', 1]]), member({ path: 's', content: 'x' })]), 'ARCHIVE_INVALID', /pairs/],
    ['a map of words', Buffer.concat([encodePax([['GNU.sparse.size', 9], ['GNU.sparse.numblocks', 1], ['GNU.sparse.map', 'a,b']]), member({ path: 's', content: 'x' })]), 'ARCHIVE_INVALID', /no number/],
    ['a number of runs that is not that of the map', Buffer.concat([encodePax([['GNU.sparse.size', 9], ['GNU.sparse.numblocks', 2], ['GNU.sparse.map', '0,1']]), member({ path: 's', content: 'x' })]), 'ARCHIVE_INVALID', /another number/],
    ['no size', Buffer.concat([encodePax([['GNU.sparse.numblocks', 0]]), member({ path: 's' })]), 'ARCHIVE_INVALID', /no number/],
    ['a map before the data that has no lines', Buffer.concat([encodePax([['GNU.sparse.major', 1], ['GNU.sparse.realsize', 9]]), member({ path: 's', content: '1'.repeat(5000) })]), 'ARCHIVE_INVALID', /no number/],
    ['a map before the data that is all there is', Buffer.concat([encodePax([['GNU.sparse.major', 1], ['GNU.sparse.realsize', 9]]), member({ path: 's', content: '9\n1\n2\n'.padEnd(512, '\n') })]), 'ARCHIVE_INVALID', /no number|longer/],
    ['a map longer than the data', Buffer.concat([encodePax([['GNU.sparse.major', 1], ['GNU.sparse.realsize', 9]]), member({ path: 's', content: '9\n1\n2\n' })]), 'ARCHIVE_INVALID', /longer than/],
  ];
  for (const [what, bytes, code, message] of refused) it(`are refused: ${what}`, () => assert.rejects(read(tarball([bytes])), { code, message }));

  it('of the old form whose map goes on without end are refused', async () => {
    const endless = async function* (): AsyncGenerator<Buffer> {
      await Promise.resolve();
      const [header] = [sparseMember('old GNU', 's', claim(100, Array.from({ length: 5 }, (_none, at) => [at * 10, 1])))];
      yield header?.subarray(0, 512) ?? Buffer.alloc(0);
      for (;;) yield Buffer.alloc(512).fill(1, 504, 505);
    };
    await assert.rejects(async () => {
      for await (const _part of readTar(endless())) void _part;
    }, { code: 'ARCHIVE_UNSUPPORTED', message: /more than 200000 runs/ });
  });

  it('are measured by what is written of them, not by their holes', async () => {
    const seen: number[] = [];
    const layer = new LayerTranslator('.kept', layerRules(false), { check: (_entries, bytes) => void seen.push(bytes) });
    const archive = tarball([sparseMember('PAX 1.0', 's', claim(10 ** 12, [[5, 10], [10 ** 11, 20]])), { path: 's', content: 'now' }, { path: 'other', content: 'abc' }]);
    for await (const part of readTar(inPieces(archive))) layer.step(part);
    assert.deepEqual(seen, [30, 33, 36], 'what was replaced is still on the disk');
    assert.equal(layer.contentSize, 6);
  });
});
