import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { volumeListSchema, volumeSchema } from '../../../../engine/api/docker/volume.ts';
import { EventBus } from '../../../../engine/base/eventBus.ts';
import { silentLog } from '../../../../engine/base/log.ts';
import { volumeRoutes } from '../../../../engine/server/routes/docker/volumes.ts';
import { VolumeService } from '../../../../engine/volumes/volumeService.ts';
import { serveRoutes } from '../../../support/routeServer.ts';

describe('/volumes', () => {
  let root: string;
  let service: VolumeService;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-volroutes-'));
    service = new VolumeService({ dataRoot: root, log: silentLog, events: new EventBus(), inUse: (name) => (name === 'used' ? ['web'] : []) });
    await service.load();
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('creates with Go’s nulls, lists by filter, inspects and removes', async () => {
    await using server = await serveRoutes(volumeRoutes(service));
    const { client } = server;
    const made = await client.json('POST', '/volumes/create', volumeSchema, { json: { Name: 'data', Driver: 'local', DriverOpts: null, Labels: { tier: 'db' } } });
    assert.equal(made.Mountpoint, join(root, 'volumes/data/_data'));
    await service.ensure('used');
    const names = async (filters: object): Promise<string[] | undefined> =>
      (await client.json('GET', `/volumes?filters=${encodeURIComponent(JSON.stringify(filters))}`, volumeListSchema)).Volumes?.map(({ Name }) => Name);
    assert.deepEqual(await names({}), ['data', 'used']);
    assert.deepEqual(await names({ label: ['tier=db'] }), ['data']);
    assert.deepEqual(await names({ dangling: { true: true } }), ['data']);
    await assert.rejects(names({ colour: ['red'] }), { status: 400 });
    assert.deepEqual(await client.json('GET', '/volumes/data', volumeSchema), made);
    await assert.rejects(client.send('DELETE', '/volumes/used'), { status: 409 });
    await client.send('DELETE', '/volumes/data');
    await assert.rejects(client.send('GET', '/volumes/data'), { status: 404 });
  });

  it('prunes anonymous volumes only, unless asked for all or by an old client', async () => {
    await using server = await serveRoutes(volumeRoutes(service));
    const schema = z.object({ VolumesDeleted: z.array(z.string()), SpaceReclaimed: z.number() });
    const anonymous = await service.ensure();
    await service.ensure('named');
    await service.ensure('used');
    assert.deepEqual((await server.client.json('POST', '/volumes/prune', schema)).VolumesDeleted, [anonymous.name]);
    assert.deepEqual((await server.client.json('POST', `/volumes/prune?filters=${encodeURIComponent('{"all":["true"]}')}`, schema)).VolumesDeleted, ['named']);
  });
});
