import assert from 'node:assert/strict';
import type { Entry } from '../../../../engine/base/sync/entry.ts';
import { conflictLabel, conflictPath, foldKey, pathFault, windowsFault } from '../../../../engine/base/sync/paths.ts';
import { inOrder } from '../../../../engine/base/sync/applyOrder.ts';
import { hiddenPaths } from '../../../../engine/remote/sync/hidden.ts';
import { syncStateFolder } from '../../../../engine/remote/sync/syncRecord.ts';

const file: Entry = { kind: 'file', mode: 0o644, size: 1, digest: 'd' };
const mac = { caseInsensitive: true, normalizing: true, modes: true, windowsNames: false };
const entries = (...paths: string[]): Map<string, Entry> => new Map(paths.map((path) => [path, file]));

describe('paths of a sync', () => {
  it('never lead out of the folder, and are never odd', () => {
    for (const bad of ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/./b', 'a\0', '.berth-sync', '.berth-sync/x', 'x'.repeat(256), 'x/'.repeat(3000)]) assert.notEqual(pathFault(bad), undefined, JSON.stringify(bad.slice(0, 30)));
    for (const good of ['a', 'a/b', '...', 'a..b', ' ', 'a\\b', 'sub/.berth-sync', 'ü']) assert.equal(pathFault(good), undefined, good);
  });

  it('that Windows cannot have are known', () => {
    for (const bad of ['a:b', 'a\\b', 'aux', 'sub/NUL.txt', 'dot.', 'space ', 'what?']) assert.notEqual(windowsFault(bad), undefined, bad);
    for (const good of ['a', 'auxiliary', '.gitignore', 'com', 'a b']) assert.equal(windowsFault(good), undefined, good);
  });

  it('get a new name for the version that lost its place, once each', () => {
    const label = conflictLabel('web 1', new Date('2026-11-25T23:30:00Z'));
    assert.equal(label, 'web_1-20261125-233000');
    assert.equal(conflictPath('src/a.ts', label, () => false), `src/a.ts.conflict-${label}`);
    assert.equal(conflictPath('a', label, (path) => path === `a.conflict-${label}`), `a.conflict-${label}-2`);
    assert.equal(conflictPath('sub/.git/index', label, () => false), `sub/.git/berth-conflicts/${label}/index`);
  });
});

describe('a side on which names that differ are the same', () => {
  it('hides the second of two, says why, and takes the one that is there already for the first', () => {
    assert.deepEqual([...hiddenPaths(entries(), entries('README', 'readme', 'src', 'src/a', 'SRC', 'SRC/b'), mac).keys()], ['readme', 'src']);
    assert.deepEqual([...hiddenPaths(entries('readme'), entries('README', 'readme'), mac)], [['README', 'on this machine it has the same name as readme']]);
  });

  it('hides nothing when a name only changed its case', () => {
    assert.deepEqual([...hiddenPaths(entries('readme'), entries('README'), mac)], []);
  });

  it('has one key for what Unicode writes in two ways', () => {
    assert.equal(foldKey('e\u0301', mac), foldKey('\u00c9', mac));
    assert.notEqual(foldKey('A', { caseInsensitive: false, normalizing: true }), foldKey('a', { caseInsensitive: false, normalizing: true }));
  });

  it('makes room for a name that changed its case before it arrives', () => {
    const order = inOrder([{ path: 'README', from: undefined, to: file }, { path: 'readme', from: file, to: undefined }], mac);
    assert.deepEqual(order.map(({ path }) => path), ['readme', 'README']);
  });

  it('hides what Windows has no name for', () => {
    assert.deepEqual([...hiddenPaths(entries(), entries('a:b', 'fine'), { ...mac, windowsNames: true }).keys()], ['a:b']);
  });
});

describe('the order of changes', () => {
  it("is: git's objects, its branches, its index, and all that after the rest; what is removed at the end", () => {
    const change = (path: string) => ({ path, from: undefined, to: file });
    const removal = (path: string) => ({ path, from: file, to: undefined });
    const order = inOrder([change('.git/index'), change('.git/objects/ab/c'), change('.git/refs/heads/main'), removal('old'), change('src'), change('.git/HEAD'), removal('.git/objects/gone')], { caseInsensitive: false, normalizing: false });
    assert.deepEqual(order.map(({ path }) => path), ['src', 'old', '.git/objects/ab/c', '.git/refs/heads/main', '.git/index', '.git/HEAD', '.git/objects/gone']);
  });
});

describe('where syncs are remembered', () => {
  it("is the system's place for it, or a given one", () => {
    assert.equal(syncStateFolder({ BERTH_SYNC_STATE: '/x' }, 'linux'), '/x');
    assert.equal(syncStateFolder({ XDG_STATE_HOME: '/s' }, 'linux'), '/s/berth/sync');
    assert.match(syncStateFolder({ LOCALAPPDATA: '/l' }, 'win32'), /Berth.sync$/);
  });
});
