import assert from 'node:assert/strict';
import type { TestEngine } from '../support/engine.ts';
import { runSuite } from './support/runSuite.ts';
import { startSuiteEngine } from './support/suiteEngine.ts';

describe('the suites inside the extension host', () => {
  let engine: TestEngine;

  before(async () => {
    engine = await startSuiteEngine('vsch');
  });

  after(() => engine?.remove());

  it('pass', async function () {
    this.timeout(240_000);
    const { passed, failed } = await runSuite({ ...engine.env });
    assert.deepEqual(failed, []);
    assert.ok(passed.length >= 10, `only ${passed.length} tests ran`);
  });
});
