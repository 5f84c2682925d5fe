import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeEngineFolder, makeFolders } from '../../../engine/base/makeFolders.ts';

describe('folders that are made', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-folders-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('have those above them made, and the outermost new one is told', async () => {
    const path = join(folder, 'a/b/c');
    assert.equal(await makeFolders(path, 0o700), join(folder, 'a'));
    assert.equal(await makeFolders(path, 0o700), undefined);
    assert.equal((await stat(join(folder, 'a/b'))).mode & 0o777, 0o700);
    await symlink('a', join(folder, 'link'));
    assert.equal(await makeFolders(join(folder, 'link/b/d'), 0o700), join(folder, 'link/b/d'));
  });

  it('are made once by many at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => makeFolders(join(folder, 'x/y/z'), 0o700)));
    assert.ok((await stat(join(folder, 'x/y/z'))).isDirectory());
  });

  it('cannot be in /proc, and that is said and not waited for', async () => {
    await assert.rejects(makeFolders('/proc/berth/run', 0o700), { code: 'ENOENT' });
    await assert.rejects(makeEngineFolder('/proc/berth/run', 'BERTH_RUN_ROOT'), { code: 'ENGINE_FOLDER_UNUSABLE', params: { path: '/proc/berth/run', reason: 'no folder can be made there', variable: 'BERTH_RUN_ROOT' } });
  });

  it('cannot be below a file', async () => {
    await writeFile(join(folder, 'file'), '');
    for (const path of ['file', 'file/below']) await assert.rejects(makeEngineFolder(join(folder, path), 'BERTH_RUN_ROOT'), { code: 'ENGINE_FOLDER_UNUSABLE' });
  });
});
