import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../engine/base/log.ts';
import { run } from '../../../engine/host/process.ts';
import { FileSnapshotStore } from '../../../engine/snapshots/fileSnapshotStore.ts';

describe('snapshots', () => {
  let root: string;
  let store: FileSnapshotStore;
  const open = async (): Promise<FileSnapshotStore> => {
    const opened = new FileSnapshotStore(root, silentLog);
    await opened.load();
    return opened;
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-snapshots-'));
    store = await open();
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const make = async (files: Record<string, string>): Promise<string> => {
    await using pending = await store.begin();
    for (const [name, text] of Object.entries(files)) await writeFile(join(pending.dir, name), text);
    return (await pending.commit({})).id;
  };
  const tarOf = async (id: string): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of await store.openTar(id)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };

  it('are there whole once committed, with short ids, and not at all before', async () => {
    const pending = await store.begin();
    await writeFile(join(pending.dir, 'f'), 'content');
    assert.equal(store.get(pending.id), undefined);
    assert.deepEqual((await open()).list(), [], 'a half-made one goes at the next start');
    const id = await make({ f: 'content' });
    assert.ok(id.length <= 20);
    assert.equal((await stat(store.lowerDir(id))).mode & 0o777, 0o755);
    assert.deepEqual((await open()).get(id), store.get(id));
    assert.equal(store.get(id)?.size, 7);
  });

  it('thrown away before they are committed leave nothing', async () => {
    {
      await using pending = await store.begin();
      await mkdir(join(pending.dir, 'd'));
      await chmod(join(pending.dir, 'd'), 0);
    }
    assert.deepEqual(await readdir(join(root, 'snapshots')), []);
  });

  it('are identified once, and give the very tar that was digested', async () => {
    const id = await make({ b: 'two', a: 'one' });
    const [first, second] = await Promise.all([store.identify(id), store.identify(id)]);
    assert.deepEqual(first, second);
    const tar = await tarOf(id);
    assert.equal(`sha256:${createHash('sha256').update(tar).digest('hex')}`, first.diffId);
    assert.equal(tar.length, first.size);
    assert.equal(store.findByDiffId(first.diffId)?.id, id);
    store = await open();
    assert.deepEqual(await store.identify(id), first);
    assert.ok((await tarOf(id)).equals(tar));
  });

  it('of the same content have the same digest, and removing one leaves the other', async () => {
    const times = async (id: string): Promise<unknown> => run('touch', ['-d', '@1600000000', join(store.lowerDir(id), 'f')]);
    const [a, b] = [await make({ f: 'same' }), await make({ f: 'same' })];
    await Promise.all([times(a), times(b)]);
    const { diffId } = await store.identify(a);
    assert.equal((await store.identify(b)).diffId, diffId);
    await store.remove(a);
    assert.equal(store.findByDiffId(diffId)?.id, b);
    await store.remove(b);
    assert.equal(store.findByDiffId(diffId), undefined);
    assert.deepEqual(await readdir(join(root, 'snapshots')), []);
  });

  it('take an overlay upper directory over without a copy', async () => {
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(join(root, name));
    await writeFile(join(root, 'lower', 'gone'), 'x');
    await mkdir(join(root, 'lower', 'dir'));
    await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${join(root, 'lower')},upperdir=${join(root, 'upper')},workdir=${join(root, 'work')}`, join(root, 'merged')]);
    await rm(join(root, 'merged', 'gone'));
    await rm(join(root, 'merged', 'dir'), { recursive: true });
    await mkdir(join(root, 'merged', 'dir'));
    await writeFile(join(root, 'merged', 'dir', 'new'), 'new');
    await run('umount', [join(root, 'merged')]);
    const { ino } = await stat(join(root, 'upper', 'dir', 'new'));
    const snapshot = await store.adopt(join(root, 'upper'), { parent: 'lower' });
    assert.equal((await stat(join(store.lowerDir(snapshot.id), 'dir', 'new'))).ino, ino);
    assert.deepEqual([snapshot.parent, snapshot.size], ['lower', 3]);
    const tar = await tarOf(snapshot.id);
    await writeFile(join(root, 'layer.tar'), tar);
    assert.deepEqual((await run('tar', ['-tf', join(root, 'layer.tar')])).stdout.trim().split('\n'), ['dir/', 'dir/.wh..wh..opq', 'dir/new', '.wh.gone']);
  });

  it('changed behind the engine’s back are not given out as what they were', async () => {
    const id = await make({ f: 'content' });
    await store.identify(id);
    await writeFile(join(store.lowerDir(id), 'f'), 'CONTENT');
    await assert.rejects(tarOf(id), /original content/);
  });

  it('made just before the power went are checked at the next boot: whole ones stay, the others go', async () => {
    const whole = await make({ f: 'whole' });
    const cut = await make({ f: 'cut short' });
    const unknown = await make({ f: 'nobody knows' });
    const old = await make({ f: 'settled' });
    for (const id of [whole, cut]) await store.identify(id);
    for (const id of [whole, cut, unknown, old]) {
      const path = join(root, 'snapshots', id, 'meta.json');
      const meta = JSON.parse(await readFile(path, 'utf8')) as { unsettledIn?: string };
      assert.ok(meta.unsettledIn, 'marked until the kernel has written it out');
      const { unsettledIn: _mark, ...settled } = meta;
      await writeFile(path, JSON.stringify(id === old ? settled : { ...meta, unsettledIn: 'another boot' }));
    }
    await truncate(join(store.lowerDir(cut), 'f'), 0);
    store = await open();
    assert.deepEqual(store.list().map(({ id }) => id).sort(), [whole, old].sort());
    assert.deepEqual((await readdir(join(root, 'snapshots'))).sort(), [whole, old].sort());
  });
});
