import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { UnpackJob } from '../../../../engine/host/tar/unpackMessages.ts';
import { UnpackThreads } from '../../../../engine/host/tar/unpackThreads.ts';
import { plainLayer } from '../../../support/imageArchive.ts';
import { inPieces, tarball } from '../../../support/tarball.ts';

describe('threads that unpack', () => {
  const threads = new UnpackThreads(resolve(import.meta.dirname, '../../../../engine/host/tar/unpackWorker.ts'), 1);
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-threads-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const job = async (name: string): Promise<UnpackJob> => {
    const place = join(root, name);
    await mkdir(join(place, 'fs'), { recursive: true });
    return { dir: join(place, 'fs'), replacedDir: join(place, 'replaced'), recipePath: join(place, 'recipe') };
  };
  const layerOf = (text: string): ReturnType<typeof plainLayer> => plainLayer(tarball([{ path: text, content: text.repeat(300_000) }]));

  it('take one layer after the other, in any compression; who comes when all are busy waits', async () => {
    const kinds = [(bytes: Buffer) => bytes, gzipSync, zstdCompressSync];
    await Promise.all(
      kinds.map(async (pack, index) => {
        const { bytes, diffId } = layerOf(`layer${index}`);
        const where = await job(`kind${index}`);
        const result = await threads.unpack(inPieces(pack(bytes), 70_000), where);
        assert.deepEqual([result.diffId, result.size, result.contentSize], [diffId, bytes.length, 6 * 300_000]);
        assert.equal(await readFile(join(where.dir, `layer${index}`), 'utf8'), `layer${index}`.repeat(300_000));
        assert.ok((await readFile(where.recipePath)).length > 0);
      }),
    );
  });

  it('say what is wrong with a layer by its code, and go on with the next', async () => {
    await assert.rejects(threads.unpack(inPieces(tarball([{ path: '../evil' }])), await job('evil')), { name: 'BerthError', code: 'ARCHIVE_ESCAPES', status: 400, message: /"\.\.\/evil" leads out/ });
    await assert.rejects(threads.unpack(inPieces(gzipSync(layerOf('cut').bytes).subarray(0, -20)), await job('cut')), { code: 'ARCHIVE_INVALID' });
    const { bytes, diffId } = layerOf('next');
    assert.equal((await threads.unpack(inPieces(bytes), await job('next'))).diffId, diffId);
  });

  it('write nothing any more when the source breaks or the work is given up', async () => {
    const pieces = async function* (end: () => void): AsyncGenerator<Buffer> {
      const { bytes } = layerOf('endless');
      for (let count = 0; ; count += 1) {
        if (count === 3) end();
        await new Promise((done) => setImmediate(done));
        yield Buffer.from(bytes.subarray(0, bytes.length - 1024));
      }
    };
    const broken = await job('broken');
    await assert.rejects(threads.unpack(pieces(() => { throw new Error('the line broke'); }), broken), /the line broke/);
    await rm(join(root, 'broken'), { recursive: true });
    const controller = new AbortController();
    const stopped = await job('stopped');
    await assert.rejects(threads.unpack(pieces(() => controller.abort()), stopped, controller.signal), { name: 'AbortError' });
    await rm(join(root, 'stopped'), { recursive: true });
    const { bytes, diffId } = layerOf('after');
    assert.equal((await threads.unpack(inPieces(bytes), await job('after'))).diffId, diffId);
    assert.ok(!(await readdir(root)).some((name) => name === 'broken' || name === 'stopped'));
  });
});
