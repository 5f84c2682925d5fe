import assert from 'node:assert/strict';
import { chmod, chown, link, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../engine/base/log.ts';
import { run } from '../../../engine/host/process.ts';
import { FileSnapshotStore } from '../../../engine/snapshots/fileSnapshotStore.ts';
import { shiftedKey } from '../../../engine/snapshots/shiftedLayers.ts';

const user = { uid: 1000, gid: 1001 };

describe('copies of layers for other ids', () => {
  let root: string;
  let store: FileSnapshotStore;
  let id: string;
  const open = async (): Promise<FileSnapshotStore> => {
    const opened = new FileSnapshotStore(root, silentLog);
    await opened.load();
    return opened;
  };
  const inStore = (): Promise<string[]> => readdir(join(root, 'snapshots'));
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-shifted-'));
    store = await open();
    await using pending = await store.begin();
    const path = (name: string): string => join(pending.dir, name);
    for (const name of ['root', 'user', 'low', 'high']) await writeFile(path(name), name);
    await mkdir(path('folder'));
    await chown(path('user'), user.uid, user.gid);
    await chown(path('low'), 500, 1000);
    await chown(path('high'), 1002, 1002);
    await link(path('root'), path('folder/root'));
    await symlink('nowhere', path('link'));
    await run('mknod', [path('gone'), 'c', '0', '0']);
    await chmod(path('root'), 0o4755);
    ({ id } = await pending.commit({}));
  });
  afterEach(async () => {
    store.close();
    await rm(root, { recursive: true, force: true });
  });

  it('belong to whom the layer’s files belong in a container with such a map', async () => {
    await store.shifted.ensure([id], user);
    const seen = async (name: string): Promise<string> => lstat(join(store.shifted.dir({ id, keepId: user }), name)).then(({ uid, gid, mode, nlink }) => `${uid}:${gid} ${(mode & 0o7777).toString(8)} ${nlink}`);
    const all = await Promise.all(['', 'root', 'folder', 'user', 'low', 'high', 'link'].map(seen));
    assert.deepEqual(all, ['1:1 755 3', '1:1 4755 2', '1:1 755 2', '0:0 644 1', '501:1001 644 1', '1002:1002 644 1', '1:1 777 1']);
    const gone = await lstat(join(store.shifted.dir({ id, keepId: user }), 'gone'));
    assert.ok(gone.isCharacterDevice() && gone.rdev === 0);
    assert.equal((await lstat(join(store.lowerDir(id), 'user'))).uid, user.uid, 'the layer itself stays as it is');
  });

  it('are made once, however many ask, are known after a restart, and go with the layer', async () => {
    await Promise.all([1, 2, 3].map(() => store.shifted.ensure([id], user)));
    assert.deepEqual(await inStore(), [id]);
    assert.equal(store.shifted.size(), store.get(id)?.size);
    store.close();
    store = await open();
    assert.ok(store.shifted.has({ id, keepId: user }) && !store.shifted.has({ id, keepId: { uid: 1000, gid: 1000 } }));
    await store.remove(id);
    assert.deepEqual([await inStore(), store.shifted.size()], [[], 0]);
  });

  it('are made again when somebody has removed one', async () => {
    await store.shifted.ensure([id], user);
    await rm(store.shifted.dir({ id, keepId: user }), { recursive: true });
    await store.shifted.ensure([id], user);
    assert.equal((await lstat(join(store.shifted.dir({ id, keepId: user }), 'low'))).uid, 501);
  });

  it('go when nobody stands on them, and only then', async () => {
    const other = { uid: 7, gid: 7 };
    for (const one of [user, other]) await store.shifted.ensure([id], one);
    const size = store.get(id)?.size ?? 0;
    assert.equal(await store.shifted.prune(() => new Set([shiftedKey({ id, keepId: user })])), size);
    assert.deepEqual([store.shifted.has({ id, keepId: user }), store.shifted.has({ id, keepId: other })], [true, false]);
    assert.deepEqual((await readdir(join(root, 'snapshots', id))).filter((name) => name.startsWith('k')), ['k1000-1001', 'k1000-1001.json']);
  });

  it('that a kill or a power cut left half made are made again', async () => {
    const folder = join(root, 'snapshots', id);
    for (const break_ of [
      () => rm(join(folder, 'k1000-1001.json')),
      () => rm(join(folder, 'k1000-1001'), { recursive: true }),
      () => writeFile(join(folder, 'k1000-1001.json'), '{"size":1,"unsettledIn":"another boot"}'),
    ]) {
      await store.shifted.ensure([id], user);
      await mkdir(join(root, 'snapshots/.tmp-half'));
      await break_();
      store.close();
      store = await open();
      assert.deepEqual([store.shifted.has({ id, keepId: user }), (await readdir(folder)).filter((name) => name.startsWith('k')), await inStore()], [false, [], [id]]);
    }
    await store.shifted.ensure([id], user);
    assert.equal((await lstat(join(store.shifted.dir({ id, keepId: user }), 'user'))).uid, 0);
  });
});
