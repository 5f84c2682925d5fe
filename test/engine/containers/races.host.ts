import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../../../engine/base/errors.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';

/** Its health changes all the time, and each change is written down. */
const FICKLE = { Test: ['CMD-SHELL', 'if [ -e /tmp/well ]; then rm /tmp/well; false; else touch /tmp/well; fi'], Interval: 20e6, Timeout: 5e9, Retries: 1 };
const FOREVER = ['sleep', '1000'];

interface Inspected {
  readonly Name: string;
  readonly State: { readonly Status: string; readonly Running: boolean };
  readonly RestartCount: number;
}

describe('what several clients and the engine itself do with one container at once', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('rtrace')));
  after(() => world.remove());
  const inspect = (ref: string): Inspected => world.containers.inspect(ref) as Inspected;
  /** What must come true for a request that may be refused, but only for this. */
  const unless = (codes: readonly string[], request: Promise<unknown>): Promise<unknown> =>
    request.catch((error: unknown) => assert.ok(error instanceof BerthError && codes.includes(error.code), String(error)));
  const kept = async (id: string): Promise<{ readonly record: unknown; readonly state: unknown }> => {
    const { paths } = world.containers.find(id);
    const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(paths.folder, name), 'utf8'));
    return { record: await read('config.json'), state: await read('state.json') };
  };
  const quiet = (id: string): Promise<void> => world.containers.parts.locks.run(id, () => Promise.resolve());

  it('all happens: health checks, renames, updates, networks, stops and starts take nothing from one another', async () => {
    const id = await world.start(FOREVER, { Healthcheck: FICKLE }, 'turn0');
    const container = world.containers.find(id);
    for (let round = 1; round <= 4; round++) {
      await Promise.all([
        world.containers.rename(id, `turn${round}`),
        world.containers.update(id, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: round } }),
        world.containers.stop(id, { timeout: 0 }).then(() => world.containers.start(id)),
        ...Array.from({ length: 3 }, () => world.exec(id, ['true']).catch(() => undefined)), // refused while it is stopped
      ]);
      await quiet(id);
      assert.deepEqual([container.record.name, container.record.hostConfig.RestartPolicy, container.state.status, container.state.stoppedByUser], [`turn${round}`, { Name: 'on-failure', MaximumRetryCount: round }, 'running', false]);
    }
    await world.containers.stop(id, { timeout: 0 });
    const { record, state } = await kept(id);
    assert.deepEqual([record, state], JSON.parse(JSON.stringify([container.record, container.state])));
    await world.containers.remove(id);
  });

  it('a stop or a removal that comes during a start holds for what was started', async () => {
    for (let round = 0; round < 3; round++) {
      const { id } = await world.containers.create({ Image: 'debian', Cmd: FOREVER });
      const started = world.containers.start(id);
      assert.equal(await world.containers.stop(id, { timeout: 0 }), true);
      await started;
      assert.equal(inspect(id).State.Status, 'exited');
      const again = world.containers.start(id);
      await world.containers.remove(id, { force: true });
      await again;
      assert.throws(() => world.containers.find(id), { code: 'NO_SUCH_CONTAINER' });
    }
  });

  it('an update changes what it names only: clients send a restart policy that is not meant as one without a name', async () => {
    const { id } = await world.containers.create({ Image: 'debian', HostConfig: { RestartPolicy: { Name: 'unless-stopped' } } });
    await world.containers.update(id, { RestartPolicy: { Name: '', MaximumRetryCount: 0 } });
    assert.equal(world.containers.find(id).record.hostConfig.RestartPolicy?.Name, 'unless-stopped');
    const { id: brief } = await world.containers.create({ Image: 'debian', HostConfig: { AutoRemove: true } });
    await assert.rejects(world.containers.update(brief, { RestartPolicy: { Name: 'always' } }), { code: 'CONTAINER_AUTO_REMOVES' });
    for (const ref of [id, brief]) await world.containers.remove(ref);
  });

  it('of several renames each gets its name or is told why not, and gives back its own only', async () => {
    const { id } = await world.containers.create({ Image: 'debian' }, 'before');
    const { id: other } = await world.containers.create({ Image: 'debian' }, 'other');
    await Promise.all([world.containers.rename(id, 'after'), world.containers.rename(id, 'later'), unless(['NAME_IN_USE'], world.containers.rename(other, 'before'))]);
    await unless(['SAME_NAME'], world.containers.rename(other, 'before')); // now it is free
    assert.deepEqual([inspect(id).Name, inspect(other).Name], ['/later', '/before']);
    await assert.rejects(world.containers.create({ Image: 'debian' }, 'before'), { code: 'NAME_IN_USE' });
    for (const ref of [id, other]) await world.containers.remove(ref);
  });

  it('one that a policy starts over and over stays stopped once it was, is gone once it was removed, and counts anew when started by hand', async () => {
    const id = await world.start(['false'], { HostConfig: { RestartPolicy: { Name: 'always' } } });
    const container = world.containers.find(id);
    const restarted = async (): Promise<void> => {
      for (const end = Date.now() + 20_000; inspect(id).RestartCount < 2; await new Promise((resolve) => setTimeout(resolve, 10))) assert.ok(Date.now() < end, 'not restarted in 20 s');
    };
    await restarted();
    await world.containers.stop(id, { timeout: 0 });
    assert.equal(container.state.status, 'exited');
    await world.containers.start(id);
    assert.ok(container.state.restartCount <= 1, `${container.state.restartCount} restarts, counted from before`);
    await restarted();
    await world.containers.remove(id, { force: true });
    assert.equal(container.state.status, 'removing');
  });
});
