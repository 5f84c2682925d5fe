import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunResult } from '../../../engine/host/process.ts';
import { run } from '../../../engine/host/process.ts';
import { TestEngine, bundle } from '../../support/engine.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';
import { removeTestRoot, testRoot } from '../../support/testRoots.ts';

/** Node says of each file whether compiled code of it was at hand. */
const told = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
const accepted = (name: string): RegExp => new RegExp(`cache for CommonJS \\S*/${name} was accepted`);

describe('compiled code', () => {
  let root: string;
  before(async () => (root = await testRoot(tmpdir(), 'clcode')));
  after(() => removeTestRoot(root));
  const berth = (env: NodeJS.ProcessEnv): Promise<RunResult> =>
    run(process.execPath, [bundle, '--version'], { env: { PATH: process.env['PATH'], TMPDIR: root, ...told, ...env } });

  it('is kept by the first command and used by the second', async () => {
    const first = await berth({ HOME: root });
    assert.doesNotMatch(first.stderr, accepted('berth-main.cjs'));
    assert.match((await berth({ HOME: root })).stderr, accepted('berth-main.cjs'));
    assert.deepEqual(await readdir(root), ['.cache']);
    await rm(join(root, '.cache'), { recursive: true });
  });

  it('is kept nowhere, and never below /tmp, without a home, with one that cannot be written, or when Node is told so', async () => {
    for (const env of [{}, { HOME: '/proc' }, { HOME: root, NODE_DISABLE_COMPILE_CACHE: '1' }]) {
      const { stdout, stderr } = await berth(env);
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
      assert.doesNotMatch(stderr, /cache directory|persisting/);
      assert.deepEqual(await readdir(root), []);
    }
  });

  it('of an ordinary user’s engine is kept, too, though it runs inside their namespaces', async () => {
    const user = await OrdinaryUser.create('clcodeu', { bundle, subIds: true });
    try {
      const engine = await TestEngine.start({ instance: 'clcode', user });
      try {
        const environment = (await readFile(`/proc/${await engine.pid()}/environ`, 'utf8')).split('\0');
        const folder = environment.find((line) => line.startsWith('NODE_COMPILE_CACHE='))?.split('=')[1] ?? '';
        assert.ok(folder.startsWith(join(user.root, 'home/.cache/berth/code/')), folder);
        const process = `/proc/${await engine.pid()}/exe`;
        await engine.berth(['engine', 'stop']);
        while (existsSync(process)) await delay(5); // it writes what it keeps when it ends
        const inside = (await readdir(folder)).find((name) => name.endsWith('-0')); // there the user is root
        assert.ok(inside !== undefined);
        const files = await Promise.all((await readdir(join(folder, inside))).map((name) => readFile(join(folder, inside, name))));
        assert.ok(files.length >= 3, `${files.length} files: the launcher, the command line, the engine`);
        await engine.startAgain();
      } finally {
        await engine.remove();
      }
    } finally {
      await user.remove();
    }
  });
});
