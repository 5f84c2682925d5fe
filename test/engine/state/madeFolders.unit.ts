import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDataRoot, makeOutside } from '../../../engine/state/madeFolders.ts';

describe('folders that the engine makes outside of its data', () => {
  let folder: string;
  let data: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-made-'));
    data = join(folder, '.local/share/berth');
    await makeDataRoot(data);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const noted = async (): Promise<string[]> => (await readFile(join(data, 'made'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '').map((line) => line.slice(folder.length));

  it('are noted, those above the data folder too, the outer before the inner', async () => {
    assert.equal(await makeOutside(data, join(folder, 'berth/1/app'), 0o755), true);
    assert.deepEqual(await noted(), ['/.local', '/.local/share', '/berth', '/berth/1', '/berth/1/app']);
  });

  it('are not when they were there', async () => {
    await mkdir(join(folder, 'mine'));
    assert.equal(await makeOutside(data, join(folder, 'mine'), 0o755), false);
    assert.equal(await makeOutside(data, join(folder, 'mine/app'), 0o755), true);
    await makeDataRoot(data);
    assert.deepEqual(await noted(), ['/.local', '/.local/share', '/mine/app']);
  });

  it('are made, but not noted, where a line cannot name them', async () => {
    await makeOutside(data, join(folder, 'a\nb'), 0o755);
    assert.ok(existsSync(join(folder, 'a\nb')));
    assert.deepEqual(await noted(), ['/.local', '/.local/share']);
  });
});
