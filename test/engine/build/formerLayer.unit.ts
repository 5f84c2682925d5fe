import assert from 'node:assert/strict';
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormerLayer } from '../../../engine/build/copy/formerLayer.ts';

const TIME = 1_700_000_000;

describe('files of the layer that an instruction made before', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-former-'));
    for (const name of ['former', 'context', 'new']) mkdirSync(join(folder, name));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const file = (path: string, text: string, mode = 0o644, time = TIME): string => {
    const at = join(folder, path);
    writeFileSync(at, text);
    chmodSync(at, mode);
    utimesSync(at, time, time);
    return at;
  };
  const link = (former: FormerLayer, name: string, change: object = {}): ReturnType<FormerLayer['link']> => {
    const { size, mode, uid, gid, mtimeMs } = lstatSync(join(folder, 'context', name));
    return former.link(name, join(folder, 'new', name), { location: join(folder, 'context', name), size, mode: mode & 0o7777, uid, gid, mtime: mtimeMs, ...change });
  };

  it('are linked to where they would be made just so, and else not', () => {
    const former = new FormerLayer(join(folder, 'former'));
    const table: Array<[string, string, string, number, number, boolean]> = [
      ['same', 'text', 'text', 0o644, TIME, true],
      ['empty', '', '', 0o644, TIME, true],
      ['content', 'text', 'next', 0o644, TIME, false],
      ['length', 'text', 'texts', 0o644, TIME, false],
      ['mode', 'text', 'text', 0o600, TIME, false],
      ['time', 'text', 'text', 0o644, TIME + 1, false],
    ];
    for (const [name, before, now, mode, time, expected] of table) {
      file(`former/${name}`, before);
      file(`context/${name}`, now, mode, time);
      assert.equal(link(former, name) !== undefined, expected, name);
    }
    assert.equal(lstatSync(join(folder, 'new/same')).ino, lstatSync(join(folder, 'former/same')).ino);
    assert.equal(readFileSync(join(folder, 'new/same'), 'utf8'), 'text');
    file('former/owner', 'a');
    file('context/owner', 'a');
    assert.equal(link(former, 'owner', { uid: 4242 }), undefined);
    file('context/new', 'a');
    assert.equal(link(former, 'new'), undefined);
  });

  it('are taken once, for names that were links to each other may not be so any more', () => {
    const former = new FormerLayer(join(folder, 'former'));
    linkSync(file('former/one', 'text'), join(folder, 'former/two'));
    for (const name of ['one', 'two']) file(`context/${name}`, 'text');
    assert.deepEqual([link(former, 'one'), link(former, 'two')], ['compared', undefined]);
  });
});
