import assert from 'node:assert/strict';
import type { DevPort } from '../../../engine/api/berth/port.ts';
import { PortStore, portAddress, portName, portUrl } from '../../../src/model/portStore.ts';

const port = (containerId: string, number: number, over: Partial<DevPort> = {}): DevPort => ({
  ...{ containerId, container: containerId, folder: '/f', configFile: '/f/c', host: '', port: number, listening: true, loopbackOnly: true, families: ['ipv4'] },
  ...{ declared: false, published: false, onAutoForward: 'notify', requireLocalPort: false, elevateIfNeeded: false, local: { host: '127.0.0.1', port: number } },
  ...over,
});

describe('the store of ports', () => {
  it('announces the container whose ports changed, and nothing when nothing did', () => {
    const store = new PortStore();
    const changes: string[] = [];
    store.onChange((id) => changes.push(id));
    store.replaceAll([port('a', 1), port('b', 2)]);
    store.put('a', [port('a', 1)]);
    store.put('a', [port('a', 1), port('a', 3)]);
    store.replaceAll([port('a', 1), port('a', 3)]);
    assert.deepEqual(changes, ['a', 'b', 'a', 'b']);
    assert.deepEqual([store.of('a').length, store.of('b').length, store.get('a', ':3')?.port], [2, 0, 3]);
  });

  it('names ports and their addresses as people and browsers do', () => {
    assert.deepEqual([portName(port('a', 1)), portName(port('a', 1, { host: 'db' }))], ['1', 'db:1']);
    assert.deepEqual([portUrl(port('a', 1)), portUrl(port('a', 1, { protocol: 'https', local: { host: '::1', port: 9 } }))], ['http://127.0.0.1:1/', 'https://[::1]:9/']);
    assert.deepEqual([portUrl({ protocol: 'http' }), portAddress(port('a', 1, { local: { host: '127.0.0.1', port: 7 } }))], [undefined, '127.0.0.1:7']);
  });
});
