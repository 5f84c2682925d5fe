import assert from 'node:assert/strict';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { needs } from '../../support/needs.ts';

const FAST = { Interval: 100e6, Timeout: 1e9, Retries: 2 };
/** For so long after a start it is starting whatever a failing check says: long enough to look. */
const STARTS = { StartPeriod: 1.5e9 };
const FOREVER = ['sh', '-c', 'sleep 1000'];

interface Inspected {
  readonly State: { readonly Health?: { readonly Status: string; readonly FailingStreak: number; readonly Log: ReadonlyArray<{ ExitCode: number; Output: string }> } };
}

describe('the health of a container', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('health')));
  after(() => world.remove());
  const health = (ref: string) => (world.containers.inspect(ref) as Inspected).State.Health;
  const becomes = async (ref: string, status: string): Promise<void> => {
    for (const end = Date.now() + 15_000; health(ref)?.Status !== status; await new Promise((resolve) => setTimeout(resolve, 20))) {
      assert.ok(Date.now() < end, `not ${status} after 15 s: ${JSON.stringify(health(ref))}`);
    }
  };
  const listed = (filters: Record<string, string[]>): string[] => (world.containers.list({ all: true, filters }) as Array<{ Status: string }>).map(({ Status }) => Status);

  it('follows what its check says, tells it in ps, inspect, filters and events', async () => {
    const seen: string[] = [];
    const listener = world.events.on(({ action }) => action.startsWith('health_status') && seen.push(action));
    const id = await world.start(FOREVER, { Healthcheck: { Test: ['CMD-SHELL', 'echo looking; test -e /tmp/well'], ...FAST, ...STARTS } });
    assert.equal(health(id)?.Status, 'starting');
    assert.match(listed({ health: ['starting'] })[0] ?? '', /^Up .* \(health: starting\)$/);
    await becomes(id, 'unhealthy');
    await world.exec(id, ['touch', '/tmp/well']);
    await becomes(id, 'healthy');
    assert.match(listed({ health: ['healthy'] })[0] ?? '', /\(healthy\)$/);
    assert.deepEqual([health(id)?.FailingStreak, health(id)?.Log.at(-1)], [0, { ...health(id)?.Log.at(-1), ExitCode: 0, Output: 'looking\n' }]);
    await world.exec(id, ['rm', '/tmp/well']);
    await becomes(id, 'unhealthy');
    for (const end = Date.now() + 5000; seen.length < 3 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 20)); // told after it is known
    listener.dispose();
    assert.deepEqual(seen, ['health_status: unhealthy', 'health_status: healthy', 'health_status: unhealthy']);
    await world.containers.remove(id, { force: true });
  });

  it('is bad when the check takes too long, and the check is killed; or when it cannot run', async () => {
    const slow = await world.start(FOREVER, { Healthcheck: { Test: ['CMD', 'sleep', '777'], Interval: 50e6, Timeout: 200e6, Retries: 1 } });
    await becomes(slow, 'unhealthy');
    assert.match(health(slow)?.Log.at(-1)?.Output ?? '', /^Health check exceeded timeout \(0\.2s\)/);
    await world.containers.remove(slow, { force: true });
    const none = await world.start(FOREVER, { Healthcheck: { Test: ['CMD', '/no/such'], ...FAST, Retries: 1 } });
    await becomes(none, 'unhealthy');
    assert.notEqual(health(none)?.Log.at(-1)?.ExitCode, 0);
    await world.containers.remove(none, { force: true });
  });

  it('goes on to be looked at when the container was paused', async function () {
    needs(this, 'cgroups');
    const id = await world.start(FOREVER, { Healthcheck: { Test: ['CMD', 'test', '-e', '/tmp/well'], ...FAST, Retries: 1 } });
    await becomes(id, 'unhealthy');
    await world.containers.pause(id);
    await world.containers.unpause(id);
    await world.exec(id, ['touch', '/tmp/well']);
    await becomes(id, 'healthy');
    await world.containers.remove(id, { force: true });
  });

  it('is known to the next engine, which goes on looking', async () => {
    const id = await world.start(FOREVER, { Healthcheck: { Test: ['CMD', 'test', '-e', '/tmp/well'], ...FAST, ...STARTS, Retries: 1 } });
    await becomes(id, 'unhealthy');
    await world.close();
    world = await ContainerWorld.open(world.root, world.instance);
    assert.equal(health(id)?.Status, 'unhealthy');
    await world.exec(id, ['touch', '/tmp/well']);
    await becomes(id, 'healthy');
    await world.exec(id, ['rm', '/tmp/well']);
    await world.containers.restart(id, { timeout: 0 });
    assert.equal(health(id)?.Status, 'starting');
    await world.containers.remove(id, { force: true });
  });

  it('is nothing without a check, or with the image’s taken away', async () => {
    const id = await world.start(FOREVER, { Healthcheck: { Test: ['NONE'] } });
    assert.equal(health(id), undefined);
    assert.match(listed({ health: ['none'] })[0] ?? '', /^Up [^(]*$/);
    await world.containers.remove(id, { force: true });
    await assert.rejects(world.containers.create({ Image: 'debian', Cmd: ['true'], Healthcheck: { Test: ['CMD', 'x'], Interval: 5 } }), { code: 'INVALID_CONTAINER_CONFIG' });
  });
});
