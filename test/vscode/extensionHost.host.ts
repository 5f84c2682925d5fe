import assert from 'node:assert/strict';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';
import { runSuite } from './support/runSuite.ts';

describe('the suites inside the extension host', () => {
  let engine: TestEngine;

  before(async () => {
    engine = await TestEngine.start({ instance: 'vsch' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['run', '-d', '--name', 'suite-web', 'debian:bookworm', 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done']);
  });

  after(() => engine?.remove());

  it('pass', async function () {
    this.timeout(240_000);
    const { passed, failed } = await runSuite({ ...engine.env });
    assert.deepEqual(failed, []);
    assert.ok(passed.length >= 10, `only ${passed.length} tests ran`);
  });
});
