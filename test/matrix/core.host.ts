import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { run } from '../../engine/host/process.ts';

/** Files that show most of what a container does; `npm run test:matrix` runs all of them. Root with crun is what every other test runs on. */
const CORE = ['test/engine/containers/lifecycle.host.ts', 'test/engine/containers/exec.host.ts'];
const LEAST = { root: 31, rootless: 29 };

describe('the core of the behaviour suite', function () {
  this.timeout(360_000); // a minute and a half on a busy machine
  for (const [who, runtime] of [['root', 'runc'], ['rootless', 'crun'], ['rootless', 'runc']] as const) {
    it(`holds ${who === 'root' ? 'as root' : 'as an ordinary user'} on ${runtime}`, async () => {
      const repository = resolve(import.meta.dirname, '../..');
      const { status, stdout, stderr } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', 'test/matrix/corner.ts', who, runtime, '--timeout', '60000', ...CORE], { cwd: repository, okStatus: 'any' });
      assert.equal(status, 0, stdout + stderr);
      const passed = Number(/^ +(\d+) passing/m.exec(stdout)?.[1] ?? 0);
      assert.ok(passed >= LEAST[who], `only ${passed} passed:\n${stdout}`);
    });
  }
});
