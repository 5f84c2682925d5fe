import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../engine/base/log.ts';
import type { Container } from '../../../engine/containers/container.ts';
import { ContainerStore } from '../../../engine/containers/containerStore.ts';
import { duration, listContainers, parseFilters, statusText } from '../../../engine/containers/listing.ts';
import type { Filters } from '../../../engine/containers/listing.ts';
import type { Networks } from '../../../engine/containers/ports.ts';
import { freshState } from '../../../engine/containers/record.ts';
import type { ContainerState } from '../../../engine/containers/record.ts';

const networks: Networks = {
  attach: () => Promise.reject(new Error('not here')),
  publish: () => Promise.resolve(),
  release: () => Promise.resolve(),
  reconcile: () => Promise.resolve(),
  endpoints: () => [],
  publishedPorts: () => [],
  resolvConf: () => '',
  rename: () => undefined,
  resolvesNames: () => false,
  connect: () => Promise.resolve(),
  disconnect: () => Promise.resolve(),
  networkName: (ref) => ref,
};

describe('containers in a store', () => {
  let root = '';
  let store: ContainerStore;
  const add = async (id: string, name: string, state: Partial<ContainerState>, created: string, labels: Record<string, string> = {}): Promise<Container> => {
    store.reserveName(name, id);
    const container = await store.add({ id, name, created, imageId: `sha256:${'c'.repeat(64)}`, imageRef: 'debian:bookworm', snapshots: [], args: ['sleep', '1 2'], config: { Labels: labels }, hostConfig: {}, mounts: [], network: { mode: 'bridge', endpoints: [] } }, true);
    await store.updateState(container, (now) => ({ ...now, ...state }));
    return container;
  };
  const names = (filters: Filters, all = false, limit?: number): string[] => (listContainers(store, networks, () => ['debian:latest'], { all, filters, ...(limit === undefined ? {} : { limit }) }) as Array<{ Names: string[] }>).map(({ Names }) => Names[0] ?? '');

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-store-'));
    store = new ContainerStore(join(root, 'data'), join(root, 'run'), silentLog);
    await store.load();
    await add('aa11'.repeat(16), 'web', { status: 'running', startedAt: new Date().toISOString() }, '2026-01-01T00:00:01Z', { tier: 'front', x: '' });
    await add('aa22'.repeat(16), 'db', { status: 'exited', exitCode: 3 }, '2026-01-01T00:00:02Z', { tier: 'back' });
    await add('bb33'.repeat(16), 'aa22', { status: 'created' }, '2026-01-01T00:00:03Z');
  });
  after(() => rm(root, { recursive: true, force: true }));

  it('are found by id, by name with or without slash, by the beginning of an id, in this order', () => {
    assert.equal(store.find('aa11'.repeat(16)).record.name, 'web');
    assert.equal(store.find('/web').record.name, 'web');
    assert.equal(store.find('aa22').record.name, 'aa22');
    assert.equal(store.find('aa22a').record.name, 'db');
    assert.throws(() => store.find('aa'), { code: 'AMBIGUOUS_CONTAINER', status: 404 });
    assert.throws(() => store.find('zz'), /No such container: zz/);
    assert.throws(() => store.find(''), { code: 'NO_SUCH_CONTAINER' });
  });

  it('have names of their own', () => {
    assert.throws(() => store.reserveName('web', 'x'), /already in use by container "aa11/);
  });

  it('are listed newest first, the running ones only unless all are wanted', () => {
    assert.deepEqual(names({}), ['/web']);
    assert.deepEqual(names({}, true), ['/aa22', '/db', '/web']);
    assert.deepEqual(names({}, false, 2), ['/aa22', '/db']);
  });

  it("are filtered by Docker's filters", () => {
    assert.deepEqual(names({ status: ['exited', 'created'] }), ['/aa22', '/db']);
    assert.deepEqual(names({ exited: ['3'] }), ['/db']);
    assert.deepEqual(names({ name: ['^/d', 'we'] }, true), ['/db', '/web']);
    assert.deepEqual(names({ label: ['tier'] }, true), ['/db', '/web']);
    assert.deepEqual(names({ label: ['tier=front', 'x'] }, true), ['/web']);
    assert.deepEqual(names({ id: ['aa'] }, true), ['/db', '/web']);
    assert.deepEqual(names({ ancestor: ['debian'] }, true).length, 3);
    assert.deepEqual(names({ ancestor: ['debian:buster'] }, true), []);
    assert.deepEqual(names({ before: ['db'] }, true), ['/web']);
    assert.deepEqual(names({ since: ['db'] }, true), ['/aa22']);
    assert.throws(() => names({ color: ['red'] }), /invalid filter/);
  });

  it('survive a new engine', async () => {
    const again = new ContainerStore(join(root, 'data'), join(root, 'run'), silentLog);
    assert.deepEqual(await again.load(), { strays: [], damaged: [] });
    assert.deepEqual([again.find('db').state.exitCode, again.list().length], [3, 3]);
  });
});

describe('filters in a query', () => {
  it('come as lists or, from older clients, as maps', () => {
    assert.deepEqual(parseFilters('{"name":["a"],"label":{"b":true}}'), { name: ['a'], label: ['b'] });
    assert.deepEqual(parseFilters(null), {});
    assert.throws(() => parseFilters('{'), { code: 'INVALID_CONTAINER_CONFIG' });
  });
});

describe('status for people', () => {
  it('counts roughly', () => {
    assert.deepEqual([0.2, 1, 59, 60, 150, 3600, 7200, 3 * 86_400, 30 * 86_400, 90 * 86_400, 800 * 86_400].map(duration), ['Less than a second', '1 second', '59 seconds', 'About a minute', '2 minutes', 'About an hour', '2 hours', '3 days', '4 weeks', '3 months', '2 years']);
  });

  it('says what the container does', () => {
    const at = (change: Partial<ContainerState>): string => statusText({ state: { ...freshState, startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:00Z', ...change } }, Date.UTC(2026, 0, 1, 0, 5));
    assert.equal(at({ status: 'running' }), 'Up 5 minutes');
    assert.equal(at({ status: 'paused' }), 'Up 5 minutes (Paused)');
    assert.equal(at({ status: 'exited', exitCode: 137 }), 'Exited (137) 5 minutes ago');
    assert.equal(at({ status: 'created' }), 'Created');
  });
});
