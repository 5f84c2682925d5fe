import assert from 'node:assert/strict';
import { linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTree } from '../../../engine/build/context/tree.ts';
import { fileDigest } from '../../../engine/build/context/fileDigest.ts';
import { contentKey } from '../../../engine/build/copy/contentKey.ts';
import { Copier } from '../../../engine/build/copy/copier.ts';
import { CopiedFiles, FormerLayer } from '../../../engine/build/copy/formerLayer.ts';
import type { LayerFile } from '../../../engine/build/copy/formerLayer.ts';

const LONG_AGO = 1_700_000_000;
const signal = new AbortController().signal;

describe('a copy of files of which some were copied before', () => {
  let folder: string;
  let context: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-copied-'));
    context = join(folder, 'context');
    mkdirSync(join(folder, 'view'));
    mkdirSync(join(context, 'below'), { recursive: true });
    for (const name of ['one', 'two', 'below/three', 'linked']) write(name, `text of ${name}`);
    linkSync(join(context, 'linked'), join(context, 'below/linked'));
    symlinkSync('one', join(context, 'link'));
    await new Promise((done) => setTimeout(done, 150)); // what changed just now may change again unseen
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, text: string): void => {
    writeFileSync(join(context, name), text);
    utimesSync(join(context, name), LONG_AGO, LONG_AGO);
  };
  const copy = async (layer: string, former?: FormerLayer): Promise<{ made: Map<string, LayerFile>; bytes: number }> => {
    const upper = join(folder, layer);
    mkdirSync(upper);
    const made = new Map<string, LayerFile>();
    const source = { name: 'context', entries: await readTree(context, '') };
    await contentKey({ root: context, digest: (entry) => fileDigest(entry.location) }, [source], false, signal);
    const owner = { uid: 0, gid: 0 };
    const copier = new Copier({ view: join(folder, 'view'), upper, owner, madeBy: owner, made, former, signal });
    await copier.copy(source, '/src/');
    return { made, bytes: copier.bytes };
  };
  const inode = (path: string): number => lstatSync(join(folder, path)).ino;

  it('links to those that are the same, and copies the others', async () => {
    const first = await copy('first');
    assert.deepEqual([...first.made.keys()].sort(), ['src/below/three', 'src/one', 'src/two']);
    assert.equal(first.bytes, ['one', 'two', 'below/three', 'linked'].reduce((sum, name) => sum + `text of ${name}`.length, 0));
    write('two', 'TEXT OF two'); // as long, and as old
    await new Promise((done) => setTimeout(done, 150));
    const second = await copy('second', new FormerLayer(join(folder, 'first'), first.made));
    assert.deepEqual(['one', 'below/three', 'two'].map((name) => inode(`second/src/${name}`) === inode(`first/src/${name}`)), [true, true, false]);
    assert.equal(readFileSync(join(folder, 'second/src/two'), 'utf8'), 'TEXT OF two');
    assert.equal(inode('second/src/linked'), inode('second/src/below/linked'));
    assert.equal(lstatSync(join(folder, 'second/src/link')).isSymbolicLink(), true);
    assert.deepEqual([second.bytes, [...second.made.keys()].sort()], [first.bytes, [...first.made.keys()].sort()]);
    assert.equal(Math.round(statSync(join(folder, 'second/src/below')).mtimeMs), Math.round(statSync(join(context, 'below')).mtimeMs));
  });

  it('does without a former layer that is being removed', async () => {
    const { made } = await copy('first');
    rmSync(join(folder, 'first/src/one'));
    await copy('second', new FormerLayer(join(folder, 'first'), made));
    assert.equal(readFileSync(join(folder, 'second/src/one'), 'utf8'), 'text of one');
    rmSync(join(folder, 'first'), { recursive: true });
    assert.deepEqual(await new FormerLayer(join(folder, 'first'), made).linkAll(['src/one'], join(folder, 'second')), ['src/one']);
    await copy('third', new FormerLayer(join(folder, 'first'), made));
    assert.equal(readFileSync(join(folder, 'third/src/below/three'), 'utf8'), 'text of below/three');
  });

  it('remembers the layers of late, as far as that is not too much', () => {
    const files = (count: number): Map<string, LayerFile> => new Map(Array.from({ length: count }, (_none, index) => [String(index), { size: 0, mode: 0, uid: 0, gid: 0, mtime: 0 }]));
    const copied = new CopiedFiles();
    for (let index = 0; index < 10; index++) copied.remember(String(index), files(1));
    assert.deepEqual(['0', '1', '2', '9'].map((id) => copied.of(id) !== undefined), [false, false, true, true]);
    copied.remember('large', files(50_000));
    assert.deepEqual(['9', 'large'].map((id) => copied.of(id) !== undefined), [false, true]);
    copied.remember('too large', files(50_001));
    assert.deepEqual(['large', 'too large'].map((id) => copied.of(id) !== undefined), [false, false]);
  });
});
