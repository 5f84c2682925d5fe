import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../engine/base/log.ts';
import type { Container } from '../../../engine/containers/container.ts';
import { ContainerStore } from '../../../engine/containers/containerStore.ts';
import type { ContainerRecord, ContainerState } from '../../../engine/containers/record.ts';

const ID = 'ab12'.repeat(16);

describe('what is kept of a container', () => {
  let root = '';
  let store: ContainerStore;
  let container: Container;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-writer-'));
    store = new ContainerStore(join(root, 'data'), join(root, 'run'), silentLog);
    await store.load();
    store.reserveName('one', ID);
    container = await store.add({ id: ID, name: 'one', created: '2026-01-01T00:00:00Z', imageId: `sha256:${'c'.repeat(64)}`, imageRef: 'debian', snapshots: [], args: ['true'], config: {}, hostConfig: {}, mounts: [], network: { mode: 'bridge', endpoints: [] } }, true);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const onDisk = async (): Promise<{ record: ContainerRecord; state: ContainerState }> => {
    const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(container.paths.folder, name), 'utf8'));
    return { record: (await read('config.json')) as ContainerRecord, state: (await read('state.json')) as ContainerState };
  };
  const count = (now: ContainerState): ContainerState => ({ ...now, restartCount: now.restartCount + 1 });
  const more = (now: ContainerRecord): ContainerRecord => ({ ...now, hostConfig: { ...now.hostConfig, Memory: (now.hostConfig.Memory ?? 0) + 1 } });

  it('is the sum of all changes, however many come at once, in memory as on disk', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => (index % 4 === 0 ? store.updateRecord(container, more) : store.updateState(container, count))));
    assert.deepEqual([container.state.restartCount, container.record.hostConfig.Memory], [150, 50]);
    assert.deepEqual(await onDisk(), { record: container.record, state: container.state });
    assert.deepEqual((await readdir(container.paths.folder)).filter((name) => name.includes('.json')).sort(), ['config.json', 'state.json']);
  });

  it('is seen by nobody before it is written, and by every later change', async () => {
    const first = store.updateState(container, (now) => ({ ...now, status: 'running' }));
    const second = store.updateState(container, (now) => ({ ...now, error: now.status }));
    assert.equal(container.state.status, 'created');
    await Promise.all([first, second]);
    assert.equal(container.state.error, 'running');
  });

  it('stays as it was when a change that must be written cannot be; any other waits in memory until that works again', async () => {
    const away = `${container.paths.folder}.away`;
    await rename(container.paths.folder, away);
    await assert.rejects(store.updateState(container, count, { must: true }), { code: 'ENOENT' });
    await assert.rejects(store.updateRecord(container, more), { code: 'ENOENT' });
    assert.deepEqual([container.state.restartCount, container.record.hostConfig.Memory, store.isUnsaved(container)], [0, undefined, false]);
    await store.updateState(container, count);
    assert.deepEqual([container.state.restartCount, store.isUnsaved(container)], [1, true]);
    await rename(away, container.paths.folder);
    await store.updateState(container, count);
    assert.deepEqual([(await onDisk()).state.restartCount, store.isUnsaved(container)], [2, false]);
  });

  it('is changed no more once it was removed: nobody finds a folder of it again', async () => {
    await store.removeFolder(ID);
    store.drop(container);
    await store.updateState(container, count);
    await assert.rejects(store.updateRecord(container, more), { code: 'NO_SUCH_CONTAINER' });
    assert.deepEqual(await readdir(store.folder), []);
  });

  it('does not give back a name that is another’s by now', () => {
    store.releaseName('one', ID);
    store.reserveName('one', 'another');
    store.releaseName('one', ID);
    assert.throws(() => store.reserveName('one', 'a third'), { code: 'NAME_IN_USE' });
  });
});
