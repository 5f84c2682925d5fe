import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTar } from '../../../../engine/host/tar/reader.ts';
import { replayHeaders, replayRecipe } from '../../../../engine/host/tar/recipe.ts';
import { unpackLayer } from '../../../../engine/host/tar/unpackLayer.ts';
import { run } from '../../../../engine/host/process.ts';
import { bytesOnDisk, makeSparse, SPARSE_FORMS, sparseTar } from '../../../support/sparseFiles.ts';

const MB = 1024 * 1024;
const LONG = `${'n'.repeat(120)}.img`;
/** By name: size, and what is in it at which places. Two hundred runs need more blocks of the old form than one. */
const files: Readonly<Record<string, readonly [size: number, texts: ReadonlyArray<readonly [number, string]>]>> = {
  'begins-with-a-hole': [MB, [[MB - 4, 'tail']]],
  'ends-with-a-hole': [3 * MB, [[0, 'head']]],
  'is-one-hole': [5 * MB, []],
  'has-many-runs': [200 * 64 * 1024, Array.from({ length: 200 }, (_none, at): [number, string] => [at * 64 * 1024, `run ${at}`])],
  'has-no-hole': [10, [[0, '0123456789']]],
  'is-ten-gigabytes': [10 * 1024 * MB, [[9 * 1024 * MB, 'far out']]],
  [LONG]: [2 * MB, [[MB, 'long name']]],
};

async function hashOf(source: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

describe('layers with sparse files, as GNU tar writes them', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-sparse-'));
    for (const name of ['first', 'second']) await mkdir(join(root, name));
    for (const [name, [size, texts]] of Object.entries(files)) await makeSparse(join(root, 'first', name), size, texts);
    await makeSparse(join(root, 'second/has-many-runs'), 2 * MB, [[MB, 'the second one']]);
    await writeFile(join(root, 'second/ends-with-a-hole'), 'no longer sparse');
  });
  after(() => rm(root, { recursive: true, force: true }));

  for (const [index, form] of Object.keys(SPARSE_FORMS).entries()) {
    it(`${form}: the same files, holes as holes, and the archive again byte by byte`, async () => {
      const at = (name: string): string => join(root, `${index}-${name}`);
      await sparseTar(form, at('layer.tar'), '-C', join(root, 'first'), ...Object.keys(files));
      await mkdir(at('fs'));
      const { diffId, size, contentSize, recipe } = await unpackLayer(createReadStream(at('layer.tar')), at('fs'));
      await recipe.save(at('recipe'));
      for (const [name, [wanted, texts]] of Object.entries(files)) {
        const path = join(at('fs'), name);
        assert.equal((await stat(path)).size, wanted, name);
        assert.ok((await bytesOnDisk(path)) <= (texts.length + 1) * 64 * 1024 && (texts.length > 100 || (await bytesOnDisk(path)) < MB), `${name}: ${await bytesOnDisk(path)}`);
        if (wanted < 100 * MB) assert.ok((await readFile(path)).equals(await readFile(join(root, 'first', name))), name);
      }
      assert.equal((await run('dd', [`if=${join(at('fs'), 'is-ten-gigabytes')}`, 'bs=1M', `skip=${9 * 1024}`, 'count=1', 'status=none'])).stdout.slice(0, 7), 'far out');
      assert.equal(contentSize, Object.values(files).reduce((sum, [one]) => sum + one, 0));
      assert.equal(size, (await stat(at('layer.tar'))).size);
      assert.equal(await hashOf(createReadStream(at('layer.tar'))), diffId);
      assert.equal(await hashOf(replayRecipe(at('recipe'), at('fs'), at('none'))), diffId);
      const listed: Array<[string, number]> = [];
      for await (const part of readTar(replayHeaders(at('recipe')))) if (part.kind === 'entry') listed.push([part.entry.path, part.entry.size]);
      assert.deepEqual(new Map(listed), new Map(Object.entries(files).map(([name, [one]]) => [name, one])));
    });

    it(`${form}: files that the archive gives twice are the last ones, and it is made again all the same`, async () => {
      const at = (name: string): string => join(root, `twice-${index}-${name}`);
      await sparseTar(form, at('layer.tar'), '-C', join(root, 'first'), 'has-many-runs', 'ends-with-a-hole', '-C', join(root, 'second'), 'has-many-runs', 'ends-with-a-hole');
      await mkdir(at('fs'));
      const { diffId, recipe } = await unpackLayer(createReadStream(at('layer.tar')), at('fs'), { replacedDir: at('replaced') });
      await recipe.save(at('recipe'));
      for (const name of ['has-many-runs', 'ends-with-a-hole']) assert.ok((await readFile(join(at('fs'), name))).equals(await readFile(join(root, 'second', name))), name);
      assert.equal(await hashOf(replayRecipe(at('recipe'), at('fs'), at('replaced'))), diffId);
    });
  }

  it('takes no more of the disk than they have: ten gigabytes of holes fit where there are eight megabytes', async () => {
    const dir = join(root, 'small');
    await mkdir(dir);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir]);
    try {
      await sparseTar('PAX 1.0', join(root, 'small.tar'), '-C', join(root, 'first'), 'is-ten-gigabytes');
      await unpackLayer(createReadStream(join(root, 'small.tar')), dir);
      await rm(join(dir, 'is-ten-gigabytes'));
      await makeSparse(join(root, 'full'), 100 * MB, Array.from({ length: 20 }, (_none, at): [number, string] => [at * 5 * MB, 'x'.repeat(MB)]));
      await sparseTar('PAX 1.0', join(root, 'full.tar'), '-C', root, 'full');
      await assert.rejects(unpackLayer(createReadStream(join(root, 'full.tar')), dir), { code: 'DISK_FULL' });
      assert.deepEqual((await run('ls', [dir])).stdout, '', 'it was refused by what its map says');
    } finally {
      await run('umount', [dir]);
    }
  });
});
