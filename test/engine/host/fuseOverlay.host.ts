import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountFuseOverlay, mountOverlay, unmount } from '../../../engine/host/mounts.ts';
import { packLayer } from '../../../engine/host/tar/packLayer.ts';
import { replayRecipe } from '../../../engine/host/tar/recipe.ts';
import { unpackLayer } from '../../../engine/host/tar/unpackLayer.ts';

describe('an overlay by fuse-overlayfs', () => {
  it('leaves changes that make the same layer as the kernel’s', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-rtlfuse-'));
    const at = (name: string): string => join(root, name);
    try {
      for (const name of ['lower/d', 'upper', 'work', 'merged', 'layer', 'upper2', 'work2']) await mkdir(at(name), { recursive: true });
      for (const name of ['lower/d/old', 'lower/gone', 'lower/kept']) await writeFile(at(name), '');
      await mountFuseOverlay({ lowerDirs: [at('lower')], upperDir: at('upper'), workDir: at('work'), target: at('merged') });
      await rm(at('merged/d'), { recursive: true });
      await mkdir(at('merged/d'));
      await writeFile(at('merged/d/new'), 'new');
      await rm(at('merged/gone'));
      await unmount(at('merged'));
      const { recipe } = await packLayer(at('upper'));
      await recipe.save(at('recipe'));
      await unpackLayer(replayRecipe(at('recipe'), at('upper'), at('none')), at('layer'));
      await mountOverlay({ lowerDirs: [at('layer'), at('lower')], upperDir: at('upper2'), workDir: at('work2'), target: at('merged') });
      assert.deepEqual((await readdir(at('merged'), { recursive: true })).sort(), ['d', 'd/new', 'kept']);
    } finally {
      await unmount(at('merged'));
      await rm(root, { recursive: true, force: true });
    }
  });
});
