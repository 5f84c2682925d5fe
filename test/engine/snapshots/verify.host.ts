import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { quietContext } from '../../../engine/base/context.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { tarball } from '../../support/tarball.ts';
import type { Member } from '../../support/tarball.ts';

const members: Member[] = [
  { path: './', type: 'directory' },
  { path: 'd', type: 'directory', mode: 0o2750 },
  { path: 'd/.wh..wh..opq' },
  { path: 'd/suid', content: 'x'.repeat(5000), mode: 0o4755 },
  { path: 'd/hard', type: 'hardlink', linkPath: 'd/suid' },
  { path: 'unmentioned/folder/file', content: 'f' },
  { path: 'link', type: 'symlink', linkPath: 'd/suid' },
  { path: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
  { path: 'pipe', type: 'fifo' },
  { path: '.wh.gone' },
  { path: 'twice', content: 'first' },
  { path: 'of', type: 'hardlink', linkPath: 'twice' },
  { path: 'twice', content: 'second, longer' },
  { path: 'é', content: 'name' },
];

describe('the check of a layer', () => {
  let world: ImageWorld;
  before(async () => {
    world = await ImageWorld.create();
  });
  after(() => world.remove());

  const unpack = async (): Promise<{ id: string; dir: string }> => {
    const holds = world.images.held.open();
    const { snapshotId } = await world.images.unpacker.unpack(Readable.from([tarball([...members, { path: `own${Math.random()}`, content: '' }])], { objectMode: false }), holds, quietContext.signal);
    return { id: snapshotId, dir: world.snapshots.lowerDir(snapshotId) };
  };

  it('finds nothing in one that is as it was unpacked, and in one that was made here', async () => {
    const { id } = await unpack();
    assert.deepEqual(await world.snapshots.verify(id), []);
    await using pending = await world.snapshots.begin();
    await mkdir(join(pending.dir, 'a/b'), { recursive: true });
    await writeFile(join(pending.dir, 'a/b/c'), 'c');
    await symlink('c', join(pending.dir, 'a/b/l'));
    assert.deepEqual(await world.snapshots.verify((await pending.commit({})).id), []);
  });

  const damages: ReadonlyArray<readonly [what: string, damage: (dir: string) => Promise<unknown>, line: RegExp]> = [
    ['other rights', (dir) => chmod(join(dir, 'd'), 0o777), /^\/d: has the rights 777 instead of 2750$/],
    ['a file too many', (dir) => writeFile(join(dir, 'extra'), ''), /^\/extra: is not in the layer$/],
    ['a file too few', (dir) => rm(join(dir, 'é')), /^\/é: is missing$/],
    ['a whiteout too few', (dir) => rm(join(dir, 'gone')), /^\/gone: is missing$/],
    ['another size', (dir) => writeFile(join(dir, 'twice'), 'short'), /^\/twice: has 5 bytes instead of 14$/],
    ['another kind', async (dir) => (await rm(join(dir, 'pipe')), mkdir(join(dir, 'pipe'))), /^\/pipe: is a directory instead of a fifo$/],
    ['another content of the same size', (dir) => writeFile(join(dir, 'd/suid'), 'y'.repeat(5000)), /original content/],
  ];
  for (const [what, damage, line] of damages) {
    it(`finds ${what}`, async () => {
      const { id, dir } = await unpack();
      await damage(dir);
      const found = await world.snapshots.verify(id);
      assert.ok(found.some((one) => line.test(one)), found.join('\n'));
    });
  }

  it('is part of every check of the engine, which names the file', async () => {
    const { id, dir } = await unpack();
    const look = async (): Promise<string[]> => (await world.snapshots.inspector(() => Promise.resolve()).faults({ layers: false, signal: quietContext.signal })).filter(({ object }) => object === id).map(({ code, seen }) => `${code} ${seen}`);
    assert.deepEqual(await look(), []);
    await chmod(join(dir, 'd'), 0o777);
    await writeFile(join(dir, 'extra'), '');
    const [found = ''] = await look();
    assert.match(found, /^LAYER_CHANGED \/(d|extra): .* \(and 1 more\): its files were changed on disk/);
  });
});
