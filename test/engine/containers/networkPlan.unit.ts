import assert from 'node:assert/strict';
import type { CreateContainer } from '../../../engine/api/docker/container.ts';
import { parseLink, planNetworks, toMember } from '../../../engine/containers/networkPlan.ts';
import { recordSchema } from '../../../engine/containers/record.ts';

const plan = (mode: string, endpoints: NonNullable<CreateContainer['NetworkingConfig']>['EndpointsConfig'] = {}, more: CreateContainer = {}): ReturnType<typeof planNetworks> => planNetworks({ ...more, NetworkingConfig: { EndpointsConfig: endpoints } }, { ...more.HostConfig, NetworkMode: mode });
const names = (planned: ReturnType<typeof planNetworks>): string[] => planned.endpoints.map(({ network }) => network);

describe('the networks of a new container', () => {
  it('are that of its mode, and what it is told besides, the mode’s first', () => {
    assert.deepEqual(names(plan('bridge')), ['bridge']);
    assert.deepEqual(names(plan('b', { a: {}, b: { Aliases: ['x'] }, c: null })), ['b', 'a', 'c']);
    assert.deepEqual(names(plan('bridge', { a: {} })), ['a'], 'a client that names no mode means the networks it names');
    assert.deepEqual(names(plan('bridge', { default: {}, a: {} })), ['bridge', 'a']);
    assert.deepEqual(names(plan('mine', { ['f'.repeat(64)]: { Aliases: ['x'] } })), ['mine'], 'by its id');
  });

  it('are none in the modes that share another’s namespace or have none', () => {
    for (const mode of ['host', 'none', 'container:x']) assert.deepEqual(plan(mode, { [mode]: {} }), { mode, endpoints: [] });
    assert.throws(() => plan('host', { a: {} }), { code: 'INVALID_CONTAINER_CONFIG', message: /cannot be in network a/ });
  });

  it('have addresses, MAC and links as asked', () => {
    assert.deepEqual(plan('a', { a: { IPAMConfig: { IPv4Address: '10.1.0.9', IPv6Address: 'fd00::9' }, Links: ['db:store'] } }, { MacAddress: '02:00:00:00:00:01', HostConfig: { Links: ['/cache'] } }).endpoints, [
      { network: 'a', aliases: [], links: ['db:store', 'cache:cache'], mac: '02:00:00:00:00:01', ip: '10.1.0.9', ip6: 'fd00::9' },
    ]);
    assert.throws(() => toMember('bridge', { IPAMConfig: { IPv4Address: '10.1.0.9' } }), { message: /user defined networks only/ });
    assert.throws(() => toMember('bridge', { Aliases: ['x'] }), { message: /alias/ });
    assert.throws(() => toMember('a', { IPAMConfig: { IPv4Address: 'fd00::1' } }), { message: /invalid IPv4 address/ });
    assert.throws(() => toMember('a', { IPAMConfig: { IPv6Address: '10.0.0.1' } }), { message: /invalid IPv6 address/ });
  });

  it('were one before, which is still read', () => {
    const record = (network: object): object => ({ id: 'a', name: 'b', created: '', imageId: '', imageRef: '', snapshots: [], args: [], config: {}, hostConfig: {}, mounts: [], network });
    assert.deepEqual(recordSchema.parse(record({ mode: 'mine', aliases: ['x'], ip: '10.1.0.9' })).network, { mode: 'mine', endpoints: [{ network: 'mine', aliases: ['x'], links: [], ip: '10.1.0.9' }] });
    assert.deepEqual(recordSchema.parse(record({ mode: 'host', aliases: [] })).network, { mode: 'host', endpoints: [] });
  });
});

describe('links', () => {
  it('name a container, and what to call it', () => {
    assert.deepEqual([parseLink('db'), parseLink('db:store'), parseLink('/db:/app/store')], [{ container: 'db', alias: 'db' }, { container: 'db', alias: 'store' }, { container: 'db', alias: 'store' }]);
    for (const bad of ['', ':x', 'a:b:c', 'a b']) assert.throws(() => parseLink(bad), { code: 'INVALID_CONTAINER_CONFIG' }, bad);
  });
});
