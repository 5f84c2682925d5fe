import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer } from 'node:net';
import { makeNode, setAttribute } from '#native';
import { encodeEntry, paddingOf } from '../../../../engine/host/tar/entry.ts';
import { packLayer, toLayerEntries } from '../../../../engine/host/tar/packLayer.ts';
import { readTar } from '../../../../engine/host/tar/reader.ts';
import { replayRecipe } from '../../../../engine/host/tar/recipe.ts';
import { UnpackThreads } from '../../../../engine/host/tar/unpackThreads.ts';
import { start } from '../../../../engine/host/process.ts';

const CHARACTER = 0o020000;
const PIPE = 0o010000;

describe('the tar of a layer that was made here', function () {
  let root: string;
  let tree: string;
  before(async function () {
    if (process.getuid?.() !== 0) this.skip();
    root = mkdtempSync(join(tmpdir(), 'berth-pack-'));
    tree = join(root, 'fs');
    await makeTree(tree);
  });
  after(() => root === undefined || rmSync(root, { recursive: true, force: true }));

  it('is what GNU tar makes of the folder, in the form of layers', async () => {
    const { diffId, size } = await packLayer(tree);
    const expected = createHash('sha256');
    let length = 0;
    const add = (data: Buffer): void => {
      expected.update(data);
      length += data.length;
    };
    const names: string[] = [];
    for await (const part of readTar(gnuTar(tree))) {
      if (part.kind === 'content') add(part.data);
      if (part.kind === 'padding') add(Buffer.alloc(part.data.length));
      if (part.kind === 'entry') for (const entry of toLayerEntries(part.entry)) {
        names.push(`${entry.type} ${entry.path}`);
        add(encodeEntry(entry));
      }
    }
    add(Buffer.alloc(1024));
    assert.deepEqual([diffId, size], [`sha256:${expected.digest('hex')}`, length]);
    for (const name of ['hardlink folder/again', 'file .wh.hidden', 'file folder/opaque/.wh..wh..opq', 'fifo folder/pipe', 'character folder/device', 'symlink folder/link', 'file large']) assert.ok(names.includes(name), `${name} of ${names.join(', ')}`);
    assert.ok(!names.some((name) => name.includes('socket')));
  });

  it('is replayed by its recipe, also when it was made in a thread', async () => {
    const threads = new UnpackThreads(resolve(import.meta.dirname, '../../../../engine/host/tar/unpackWorker.ts'), 2);
    const recipePath = join(root, 'recipe');
    const made = await threads.pack({ packed: tree, recipePath });
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of replayRecipe(recipePath, tree, join(root, 'none'))) {
      hash.update(piece);
      size += piece.length;
    }
    assert.deepEqual(made, { diffId: `sha256:${hash.digest('hex')}`, size });
    await assert.rejects(threads.pack({ packed: join(root, 'absent'), recipePath }), { code: 'ENOENT' });
    assert.equal((await threads.pack({ packed: tree, recipePath })).diffId, made.diffId); // the thread goes on
  });

  it('has names in the order of their bytes, and whiteouts of one inode each by itself', async () => {
    const folder = join(root, 'order');
    mkdirSync(folder);
    for (const name of ['b', 'B', 'a.b', 'a', 'ä', 'a0']) writeFileSync(join(folder, name), name);
    mkdirSync(join(folder, 'a-'));
    makeNode(Buffer.from(join(folder, 'gone')), CHARACTER, 0, 0);
    linkSync(join(folder, 'gone'), join(folder, 'gone too'));
    const { recipe, diffId } = await packLayer(folder);
    await recipe.save(join(root, 'order.recipe'));
    const names: string[] = [];
    for await (const part of readTar(replayRecipe(join(root, 'order.recipe'), folder, ''))) if (part.kind === 'entry') names.push(Buffer.from(part.entry.path, 'latin1').toString());
    assert.deepEqual(names, ['B', 'a', 'a-', 'a.b', 'a0', 'b', '.wh.gone', '.wh.gone too', 'ä']);
    assert.equal((await packLayer(folder)).diffId, diffId);
  });
});

async function makeTree(tree: string): Promise<void> {
  const at = (path: string): string => join(tree, path);
  const bytes = (path: string): Buffer => Buffer.from(at(path));
  for (const path of ['', 'folder', 'folder/opaque', `folder/${'long'.repeat(40)}`]) mkdirSync(at(path));
  writeFileSync(at('file'), 'content');
  writeFileSync(at('empty'), '');
  writeFileSync(at('large'), Buffer.alloc(100_000, 'x'));
  writeFileSync(at('padded'), Buffer.alloc(paddingOf(1) + 1));
  writeFileSync(at('holes'), 'x');
  truncateSync(at('holes'), 600_000);
  linkSync(at('file'), at('folder/again'));
  symlinkSync('/etc/../nowhere', at('folder/link'));
  makeNode(bytes('folder/device'), CHARACTER, 4000, 1_048_575);
  makeNode(bytes('folder/pipe'), PIPE, 0, 0);
  makeNode(bytes('hidden'), CHARACTER, 0, 0);
  setAttribute(bytes('file'), 'user.berth', Buffer.from('1'));
  setAttribute(bytes('file'), 'trusted.berth', Buffer.alloc(300, 'v'));
  setAttribute(bytes('folder/opaque'), 'trusted.overlay.opaque', Buffer.from('y'));
  setAttribute(bytes('folder/link'), 'trusted.link', Buffer.from('of a link'));
  chownSync(at('folder'), 70_000, 3_000_000);
  chmodSync(at('empty'), 0o4711);
  utimesSync(at('empty'), -1, -100_000);
  utimesSync(at('large'), 1, 1_700_000_000.75);
  writeFileSync(Buffer.concat([bytes('folder/'), Buffer.from([0xff, 0xfe])]), 'no text');
  const server = createServer();
  await new Promise<void>((done) => server.listen(at('socket'), done));
  server.unref();
}

async function* gnuTar(folder: string): AsyncGenerator<Buffer> {
  const child = start('tar', ['--create', '--file=-', `--directory=${folder}`, '--sort=name', '--format=pax', '--pax-option=delete=atime,delete=ctime', '--numeric-owner', '--xattrs', '--xattrs-include=*', '--one-file-system', '.'], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, LC_ALL: 'C' } });
  for await (const chunk of child.stdout ?? []) yield chunk as Buffer;
}
