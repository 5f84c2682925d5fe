import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { networkSchema } from '../../../../engine/api/docker/network.ts';
import { EventBus } from '../../../../engine/base/eventBus.ts';
import { silentLog } from '../../../../engine/base/log.ts';
import { NetworkService } from '../../../../engine/networks/networkService.ts';
import { networkRoutes } from '../../../../engine/server/routes/docker/networks.ts';
import { leftovers } from '../../../support/leftovers.ts';
import { serveRoutes } from '../../../support/routeServer.ts';
import { removeTestRoot, testRoot } from '../../../support/testRoots.ts';

describe('/networks', () => {
  const instance = 'tnetapi';
  let root: string;
  let service: NetworkService;
  before(async () => {
    root = await testRoot(tmpdir(), 'netroutes', { instance });
    service = new NetworkService({ config: { dataRoot: join(root, 'data'), runRoot: join(root, 'run'), socketPath: '', instance, idleSeconds: 0 }, log: silentLog, events: new EventBus(), poolSize: 1 });
    await service.prepare();
  });
  after(async () => {
    await service.teardown();
    const left = await leftovers(root, instance);
    await removeTestRoot(root);
    assert.deepEqual(left, []);
  });

  it('creates, lists, connects, inspects and removes in Docker’s shape', async () => {
    await using server = await serveRoutes(networkRoutes({ catalog: service.catalog, connect: (ref, network) => service.connect(`${ref}-id`, network), disconnect: (ref, network) => service.disconnect(`${ref}-id`, network) }));
    const { client } = server;
    const list = async (filters: object): Promise<string[]> => (await client.json('GET', `/networks?filters=${encodeURIComponent(JSON.stringify(filters))}`, z.array(networkSchema))).map(({ Name }) => Name);
    assert.deepEqual((await list({})).sort(), ['bridge', 'host', 'none']);
    const { Id } = await client.json('POST', '/networks/create', z.looseObject({ Id: z.string() }), { json: { Name: 'mine', Driver: 'bridge', IPAM: { Driver: 'default', Config: [] }, Labels: null } });
    assert.deepEqual(await list({ type: ['custom'] }), ['mine']);
    const endpoint = await service.attach('web-id', { network: 'default', hostname: 'web' });
    await client.send('POST', '/networks/mine/connect', { json: { Container: 'web', EndpointConfig: null } });
    const mine = await client.json('GET', `/networks/${Id.slice(0, 12)}`, networkSchema);
    assert.equal(mine.Containers?.['web-id']?.Name, 'web');
    const bridge = await client.json('GET', '/networks/bridge', networkSchema);
    assert.equal(bridge.Containers?.['web-id']?.IPv4Address, `${endpoint.ip}/16`);
    await assert.rejects(client.send('DELETE', '/networks/mine'), { status: 403 });
    await assert.rejects(client.send('DELETE', '/networks/bridge'), { status: 403 });
    await client.send('POST', '/networks/mine/disconnect', { json: { Container: 'web' } });
    await assert.rejects(client.send('POST', '/networks/create', { json: { Name: 'mine' } }), { status: 409 });
    assert.deepEqual(await client.json('POST', '/networks/prune', z.unknown()), { NetworksDeleted: ['mine'] });
    await assert.rejects(client.send('GET', '/networks/mine'), { status: 404 });
  });
});
