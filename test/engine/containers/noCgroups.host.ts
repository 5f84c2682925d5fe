import assert from 'node:assert/strict';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';

describe('root’s engine on a host where it can make no control groups', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start({ instance: 'rtlnocg', cgroups: false });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
  });
  after(() => engine.remove());

  it('runs containers, and says what limits will not do', async () => {
    const { stdout, stderr } = await engine.docker(['create', '-m', '64m', 'debian:bookworm', 'true']);
    assert.match(stdout, /^[0-9a-f]{64}/);
    assert.match(stderr, /--memory had no effect/);
    assert.equal((await engine.docker(['run', '--rm', 'debian:bookworm', 'echo', 'runs'])).stdout, 'runs\n');
  });

  it('lets no container make a device node, as no control group would keep it from the device', async () => {
    for (const command of [['run', '--rm', 'debian:bookworm'], ['exec', 'box']]) {
      if (command[0] === 'exec') await engine.docker(['run', '-d', '--name', 'box', 'debian:bookworm', 'sleep', '60']);
      const { status, stderr } = await engine.docker([...command, 'mknod', '/tmp/disk', 'b', '8', '0'], { okStatus: 'any' });
      assert.deepEqual([status, /Operation not permitted/.test(stderr)], [1, true]);
    }
  });
});
