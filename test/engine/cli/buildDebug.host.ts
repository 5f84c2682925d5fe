import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, start } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { bundle, TestEngine } from '../../support/engine.ts';
import { leftovers } from '../../support/leftovers.ts';
import { onTerminal } from '../../support/terminal.ts';

const DOCKERFILE = ['FROM debian', 'RUN useradd -m dev', 'ENV MADE_BY=env', 'USER dev', 'WORKDIR /home/dev/work', 'ARG GIVEN=arg', 'RUN --mount=type=bind,target=/src --mount=type=secret,id=s --mount=type=secret,id=e,env=E --mount=type=tmpfs,target=/t echo half > written; echo printed; exit 7', ''].join('\n');

describe('berth build --debug', () => {
  let engine: TestEngine;
  let folder: string;

  before(async () => {
    engine = await TestEngine.start({ instance: 'bdebug' });
    await engine.docker(['import', await baseTar(), 'debian']);
    folder = join(engine.root, 'context');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'Dockerfile'), DOCKERFILE);
    await writeFile(join(folder, 'secret'), 'the secret');
  });
  after(async () => engine.remove());

  const args = (...more: string[]): string[] => ['build', '--debug', '--secret', `id=s,src=${join(folder, 'secret')}`, '--secret', `id=e,src=${join(folder, 'secret')}`, ...more, folder];
  const debug = (input: string): Promise<RunResult> => engine.berth(args(), { okStatus: 'any', input });
  /** Nothing of a debugged command is left: no container, no image, no file, no mount. */
  const assertClean = async (): Promise<void> => {
    assert.equal((await engine.berth(['ps', '-aq'])).stdout, '');
    assert.equal((await engine.berth(['images', '-aq', '-f', 'dangling=true'])).stdout, '');
    assert.deepEqual(await readdir(join(engine.dataRoot, 'build-cache/tmp')), []);
    const secrets = join(engine.runRoot, 'build-debug');
    assert.deepEqual(existsSync(secrets) ? await readdir(secrets) : [], []);
    assert.deepEqual((await leftovers(engine.root, engine.instance)).filter((line) => /^mount .*(build-cache|containers)/.test(line)), []);
    await engine.berth(['system', 'check']);
  };

  it('a RUN that fails is left as it was: files, user, folder, environment, mounts; then the build fails as ever', async () => {
    const { stdout, stderr, status } = await debug('pwd; id -un; cat written; echo "$MADE_BY $GIVEN $E"; ls /src; cat /run/secrets/s 2>&1; stat -f -c %T /t; touch mine && echo can write; exit 3\n');
    assert.deepEqual(stdout.split('\n'), ['/home/dev/work', 'dev', 'half', 'env arg the secret', 'Dockerfile', 'secret', 'cat: /run/secrets/s: Permission denied', 'tmpfs', 'can write', '']);
    assert.match(stderr, /printed[\s\S]*line 7: .* failed\. This shell has its files[\s\S]*returned a non-zero code: 7/);
    assert.notEqual(status, 0);
    await assertClean();
  });

  it('on a terminal it is a shell with job control and a size', async () => {
    const { screen, status } = await onTerminal([process.execPath, bundle, ...args('--progress=plain')], [{ when: /exit ends the build[\s\S]*\$ /, say: 'tty; cat written; exit\r' }], { env: engine.env });
    assert.match(screen, /\/dev\/(pts\/\d+|console)/);
    assert.match(screen, /half/);
    assert.notEqual(status, 0);
    await assertClean();
  });

  it('writes its secrets to no disk, and a client that is killed takes it all along', async () => {
    const child = start(process.execPath, [bundle, ...args()], { env: engine.env, stdio: ['pipe', 'pipe', 'pipe'] });
    const shown = new Promise<void>((resolve) => child.stdout?.on('data', (chunk: Buffer) => void (chunk.toString().includes('ready') && resolve())));
    child.stdin?.write('test "$E" = "the secret" && echo ready; sleep 1000\n');
    await shown;
    assert.notEqual((await engine.berth(['ps', '-q'])).stdout, '');
    assert.equal((await run('grep', ['-rlI', '--', 'the secret', engine.dataRoot], { okStatus: 'any' })).stdout, '');
    child.kill('SIGKILL');
    await once(child, 'close');
    await until(async () => (await engine.berth(['ps', '-aq'])).stdout === '' && (await readdir(join(engine.dataRoot, 'build-cache/tmp'))).length === 0);
    await assertClean();
  });

  it('an engine that is killed meanwhile removes it when it starts again', async () => {
    const child = start(process.execPath, [bundle, ...args()], { env: engine.env, stdio: ['pipe', 'pipe', 'pipe'] });
    const shown = new Promise<void>((resolve) => child.stdout?.on('data', (chunk: Buffer) => void (chunk.toString().includes('ready') && resolve())));
    child.stdin?.write('echo ready; sleep 1000\n');
    await shown;
    await engine.kill();
    child.kill('SIGKILL');
    await once(child, 'close');
    await engine.startAgain();
    await assertClean();
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
