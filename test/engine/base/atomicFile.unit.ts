import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTempFiles, writeFileAtomic } from '../../../engine/base/atomicFile.ts';

describe('writeFileAtomic', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-atomic-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('replaces a file whole, with the mode asked for, and leaves nothing beside it', async () => {
    const path = join(folder, 'x.json');
    await writeFile(path, 'old and longer');
    await writeFileAtomic(path, 'new', 0o640);
    assert.equal(await readFile(path, 'utf8'), 'new');
    assert.equal((await stat(path)).mode & 0o777, 0o640);
    assert.deepEqual(await readdir(folder), ['x.json']);
  });

  it('removes what a killed writer left, and nothing else', async () => {
    await writeFile(join(folder, '.tmp-0123456789ab-x.json'), 'half');
    await writeFile(join(folder, '.tmp-notes'), 'mine');
    await removeTempFiles(folder);
    assert.deepEqual(await readdir(folder), ['.tmp-notes']);
  });
});
