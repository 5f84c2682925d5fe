import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Replica } from '../../../../engine/base/replica/replica.ts';
import { Scanner } from '../../../../engine/base/replica/scanner.ts';
import { TreeIndex } from '../../../../engine/base/replica/treeIndex.ts';
import { everything } from '../../../../engine/base/sync/ruleSet.ts';
import { put, quickFolder } from '../../../support/syncPair.ts';

describe('looking at a folder', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(quickFolder(), 'berth-scan-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const decomposed = 'e\u0301';

  async function pathsOf(knows: (path: string) => boolean): Promise<string[]> {
    const index = new TreeIndex();
    const scanner = new Scanner({ root, index, remembered: new Map(), modes: true, normalizing: true, knows, onFolder: () => undefined, onFolderGone: () => undefined });
    await scanner.scanAll(everything);
    return [...index.entries()].map(([path]) => path).sort();
  }

  it('where a name can be spelt in two ways, takes the way that the other side has', async () => {
    put(root, { [`${decomposed}/${decomposed}`]: 'x' });
    assert.deepEqual(await pathsOf((path) => path === decomposed || path === `${decomposed}/${decomposed}`), [decomposed, `${decomposed}/${decomposed}`]);
  });

  it('tells what changed since the look before, also after a new start', async () => {
    put(root, { a: 'one', b: 'two' });
    await delay(150); // what is as new as this is not trusted
    const indexFile = join(root, '..', `berth-scan-${process.pid}.index`);
    try {
      {
        await using replica = await Replica.open({ root, id: 'f1', indexFile });
        assert.equal((await replica.scan({ full: true })).changes.length, 2);
      }
      await using replica = await Replica.open({ root, id: 'f1', indexFile });
      assert.deepEqual((await replica.scan({ full: true })).changes.map(([path]) => path).sort(), ['a', 'b']);
      appendFileSync(join(root, 'a'), ' and more');
      assert.deepEqual((await replica.scan({ full: true })).changes.map(([path]) => path), ['a']);
      rmSync(join(root, 'b'));
      assert.deepEqual((await replica.scan({ full: true })).changes, [['b', undefined]]);
    } finally {
      rmSync(indexFile, { force: true });
    }
  });

  it('a damaged memory of the files costs time only', async () => {
    const indexFile = join(root, '..', `berth-scan-${process.pid}.index`);
    writeFileSync(indexFile, 'damaged');
    put(root, { a: 'one' });
    try {
      await using replica = await Replica.open({ root, id: 'f1', indexFile });
      assert.equal((await replica.scan({ full: true })).changes.length, 1);
    } finally {
      rmSync(indexFile, { force: true });
    }
  });
});
