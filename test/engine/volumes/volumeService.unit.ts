import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { EventBus } from '../../../engine/base/eventBus.ts';
import { silentLog } from '../../../engine/base/log.ts';
import { VolumeService } from '../../../engine/volumes/volumeService.ts';

describe('VolumeService', () => {
  let root: string;
  let users: Record<string, string[]>;
  let events: EventBus;
  const open = async (): Promise<VolumeService> => {
    const service = new VolumeService({ dataRoot: root, log: silentLog, events, inUse: (name) => users[name] ?? [] });
    await service.load();
    return service;
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-volumes-'));
    users = {};
    events = new EventBus();
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('makes a named volume once and knows it after a restart', async () => {
    const service = await open();
    const [first, second] = await Promise.all([service.create({ name: 'data', labels: { a: '1' } }), service.ensure('data')]);
    assert.deepEqual(first, second);
    await writeFile(join(first.mountpoint, 'file'), 'kept');
    assert.deepEqual((await open()).list(), [first]);
    assert.deepEqual(events.recent().map(({ action }) => action), ['create']);
  });

  it('gives a volume without a name an id and Docker’s label', async () => {
    const service = await open();
    const volume = await service.ensure();
    assert.match(volume.name, /^[0-9a-f]{64}$/);
    assert.ok(service.isAnonymous(volume));
  });

  it('refuses names that could leave the folder, other drivers and options it does not know', async () => {
    const service = await open();
    for (const name of ['../etc', '.hidden', 'a/b', 'x', 'ü1', `a${'b'.repeat(255)}`]) assert.throws(() => void service.create({ name }), { code: 'INVALID_VOLUME_NAME', status: 400 }, name);
    assert.throws(() => void service.create({ name: 'ok', driver: 'nfs' }), { code: 'NO_SUCH_VOLUME_DRIVER', status: 404 });
    assert.throws(() => void service.create({ name: 'ok', options: { type: 'tmpfs' } }), { code: 'NOT_IMPLEMENTED' });
    assert.deepEqual(service.list(), []);
  });

  it('refuses to remove a volume that a container has, and removes it afterwards', async () => {
    const service = await open();
    const { mountpoint } = await service.ensure('data');
    users = { data: ['web'] };
    await assert.rejects(service.remove('data'), { code: 'VOLUME_IN_USE', status: 409, message: /volume is in use - \[web\]/ });
    assert.ok(existsSync(mountpoint));
    users = {};
    await service.remove('data');
    assert.deepEqual(await readdir(join(root, 'volumes')), []);
    await assert.rejects(service.remove('data'), { code: 'NO_SUCH_VOLUME', status: 404 });
    await service.remove('data', { force: true });
  });

  it('prunes unused volumes and counts their bytes', async () => {
    const service = await open();
    const [anonymous, used] = [await service.ensure(), await service.ensure()];
    await service.ensure('named');
    users = { [used.name]: ['web'] };
    await mkdir(join(anonymous.mountpoint, 'sub'));
    await writeFile(join(anonymous.mountpoint, 'sub', 'file'), Buffer.alloc(1000));
    assert.deepEqual(await service.prune((volume) => service.isAnonymous(volume)), { names: [anonymous.name], bytes: 1000 });
    assert.deepEqual(service.list().map(({ name }) => name).sort(), [used.name, 'named'].sort());
  });

  it('knows whose ids its files have, wherever an engine was killed that changed them', async () => {
    const [before, after] = [{ uid: 500, gid: 5 }, { uid: 1000, gid: 1000 }];
    const state = async (files: readonly string[], meta: object): Promise<object> => {
      await rm(join(root, 'volumes'), { recursive: true, force: true });
      for (const name of files) await mkdir(join(root, 'volumes/data', name), { recursive: true });
      for (const name of files) await writeFile(join(root, 'volumes/data', name, name), '');
      await writeFile(join(root, 'volumes/data/volume.json'), JSON.stringify({ created: 'then', labels: {}, ...meta }));
      const [{ keepId } = {}] = (await open()).list();
      assert.deepEqual((await open()).list().map((volume) => volume.keepId), [keepId], 'a second start finds the same');
      assert.deepEqual((await readdir(join(root, 'volumes/data'))).sort(), ['_data', 'volume.json']);
      return [keepId, (await readdir(join(root, 'volumes/data/_data')))[0]];
    };
    const next = { keepId: after };
    assert.deepEqual(await state(['_data'], { keepId: before, next }), [before, '_data'], 'nothing was changed yet');
    assert.deepEqual(await state(['_data.old'], { keepId: before, next }), [before, '_data.old'], 'between the two renames');
    assert.deepEqual(await state(['_data', '_data.old'], { keepId: before, next }), [after, '_data'], 'not yet written');
    assert.deepEqual(await state(['_data', '_data.old'], { keepId: before, next: {} }), [undefined, '_data'], 'not yet written, back to the usual');
    assert.deepEqual(await state(['_data', '_data.old'], { keepId: after }), [after, '_data'], 'written, not cleared');
    assert.deepEqual(await state(['_data', '_data.old'], {}), [undefined, '_data'], 'an import');
  });

  it('leaves the files alone, and takes no others in their place, while a container starts with them', async () => {
    const service = await open();
    const { mountpoint } = await service.ensure('data');
    await writeFile(join(mountpoint, 'file'), 'kept');
    const hold = await service.useIds('data', undefined, 'web');
    assert.equal(hold.fits, true);
    await assert.rejects(service.import('data', Readable.from([]), { replace: true, labels: {} }, new AbortController().signal), { code: 'VOLUME_IN_USE', message: /web/ });
    let changed = false;
    const other = service.useIds('data', { uid: 1000, gid: 1000 }, 'db').then(() => (changed = true), () => (changed = true));
    await service.useIds('data', undefined, 'again').then(({ release }) => release());
    assert.deepEqual([changed, await readdir(mountpoint)], [false, ['file']]);
    hold.release();
    await other;
    assert.equal(changed, true);
  });

  it('clears what a killed engine left half made or half removed, and keeps data without a description', async () => {
    await mkdir(join(root, 'volumes', '.new-000000000000', '_data'), { recursive: true });
    await mkdir(join(root, 'volumes', '.old-000000000000', '_data'), { recursive: true });
    await mkdir(join(root, 'volumes', 'bare', '_data'), { recursive: true });
    const service = await open();
    assert.deepEqual(service.list().map(({ name }) => name), ['bare']);
    assert.deepEqual(await readdir(join(root, 'volumes')), ['bare']);
  });
});
