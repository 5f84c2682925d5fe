import assert from 'node:assert/strict';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountRootfs } from '../../../engine/containers/release.ts';
import { mountBind } from '../../../engine/host/mounts.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { mountsUnder } from '../../support/leftovers.ts';

describe('what a killed engine left in a container’s folder', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('leftmnt')));
  after(() => world.remove());
  const create = async (): Promise<string> => (await world.containers.create({ Image: 'debian', Cmd: ['true'] })).id;

  it('is unmounted before the folder is removed: what is mounted there is not emptied', async () => {
    const workspace = join(world.root, 'workspace');
    await mkdir(workspace);
    await writeFile(join(workspace, 'precious'), 'work');
    const id = await create();
    const place = join(world.containers.find(id).paths.folder, 'idmapped/0');
    await mkdir(place, { recursive: true });
    await mountBind(workspace, place);
    await world.containers.remove(id);
    assert.equal(await readFile(join(workspace, 'precious'), 'utf8'), 'work');
    assert.deepEqual(await mountsUnder(world.root), []);
  });

  it('is unmounted at the next start, also after a copy into a stopped container', async () => {
    const id = await create();
    await mountRootfs(world.containers.parts, world.containers.find(id));
    await world.close();
    world = await ContainerWorld.open(world.root, 'leftmnt');
    assert.deepEqual(await mountsUnder(world.root), []);
    await world.containers.remove(id);
  });

  it('is kept where the container’s description is damaged', async () => {
    const id = await create();
    const { folder, upper } = world.containers.find(id).paths;
    await writeFile(join(upper, 'precious'), 'work');
    await rename(join(folder, 'config.json'), join(folder, 'good'));
    await writeFile(join(folder, 'config.json'), '{"id":');
    await world.close();
    world = await ContainerWorld.open(world.root, 'leftmnt');
    assert.equal(await readFile(join(upper, 'precious'), 'utf8'), 'work');
    await rename(join(folder, 'good'), join(folder, 'config.json'));
    await world.close();
    world = await ContainerWorld.open(world.root, 'leftmnt');
    assert.equal(world.containers.find(id).id, id);
    await world.containers.remove(id);
  });
});
