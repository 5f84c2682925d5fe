import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BerthError } from '../../../engine/base/errors.ts';
import { start } from '../../../engine/host/process.ts';
import { BuildWorld } from '../../support/buildWorld.ts';

describe('a build that fails', () => {
  let world: BuildWorld;
  before(async () => {
    world = await BuildWorld.create('bldf');
  });
  after(() => world.remove());
  afterEach(async () => assert.deepEqual(await world.leftovers(), []));

  it("says which command failed, in which line, with which code and last words, in Docker's sentence", async () => {
    await world.write('failing', { Dockerfile: 'FROM debian\n\nRUN echo fine > /fine\nRUN echo last words >&2; \\\n  exit 42\n' });
    await assert.rejects(world.build('failing'), (error: BerthError) => {
      assert.equal(error.code, 'BUILD_STEP_FAILED');
      assert.match(error.message, /^The command '\/bin\/sh -c echo last words >&2; {3}exit 42' returned a non-zero code: 42 \(Dockerfile line 4\)$/);
      assert.deepEqual([error.params['line'], error.params['exitCode'], error.params['output']], [4, 42, 'last words']);
      return true;
    });
    await world.write('failing', { Dockerfile: 'FROM debian\n\nRUN echo fine > /fine\nRUN true\n' });
    assert.deepEqual((await world.build('failing')).ran(), ['RUN true'], 'what succeeded before is in the cache');
  });

  it('stops the other stages when one fails', async () => {
    await world.write('stop', { Dockerfile: 'FROM debian AS a\nRUN sleep 60\nFROM debian AS b\nRUN sleep 0.3; exit 3\nFROM debian\nCOPY --from=a / /a\nCOPY --from=b / /b\n' });
    const begun = Date.now();
    await assert.rejects(world.build('stop'), { code: 'BUILD_STEP_FAILED' });
    assert.ok(Date.now() - begun < 15_000);
  });

  const broken: ReadonlyArray<readonly [what: string, dockerfile: string, code: string, line: number, message: RegExp]> = [
    ['an unknown instruction', 'FROM debian\nRUNN x\n', 'DOCKERFILE_SYNTAX', 2, /^Dockerfile:2:1: unknown instruction: RUNN/],
    ['a base that is nowhere', 'FROM debian\nFROM nowhere.invalid/x:1\n', 'BASE_IMAGE_UNAVAILABLE', 2, /^Dockerfile:2:6: the image nowhere\.invalid\/x:1 /],
    ['a source that is not there', 'FROM debian\nCOPY none /\n', 'COPY_SOURCE_NOT_FOUND', 2, /stat none: file does not exist/],
    ['a source that .dockerignore leaves out', 'FROM debian\nCOPY secret /\n', 'COPY_SOURCE_NOT_FOUND', 2, /excluded by \.dockerignore/],
    ['a source outside the context', 'FROM debian\nCOPY ../../etc/hostname /\n', 'COPY_SOURCE_NOT_FOUND', 2, /hostname/],
    ['a source that a stage does not have', 'FROM debian AS a\nFROM debian\nCOPY --from=a /none /\n', 'COPY_SOURCE_NOT_FOUND', 3, /stat \/none/],
    ['an owner that the image does not know', 'FROM debian\nCOPY --chown=stranger file /\n', 'BUILD_USER_UNKNOWN', 2, /user stranger/],
    ['a folder over a file', 'FROM debian\nCOPY file /x\nCOPY folder /x\n', 'COPY_FAILED', 3, /non-directory/],
    ['a file over a folder', 'FROM debian\nCOPY folder /etc/folder/file\nCOPY file /etc/folder/\n', 'COPY_FAILED', 3, /overwrite the directory/],
    ['a secret that is required and was not given', 'FROM debian\nRUN --mount=type=secret,id=x,required true\n', 'BUILD_SECRET_MISSING', 2, /the secret "x" is required/],
    ['an agent that is required and was not given', 'FROM debian\nRUN --mount=type=ssh,required true\n', 'BUILD_SECRET_MISSING', 2, /the SSH agent "default" is required/],
    ['a mount of files that are not there', 'FROM debian\nRUN --mount=source=none,target=/x true\n', 'COPY_SOURCE_NOT_FOUND', 2, /stat none/],
    ['a mount of files that a stage does not have', 'FROM debian AS a\nFROM debian\nRUN --mount=from=a,source=/none,target=/x true\n', 'COPY_SOURCE_NOT_FOUND', 3, /stat \/none/],
    ['the end of the sandbox where it was not allowed', 'FROM debian\nRUN --security=insecure true\n', 'DOCKERFILE_SYNTAX', 2, /not allowed by this build/],
    ['a device that was not allowed', 'FROM debian\nRUN --device=vendor.com/gpu=0 true\n', 'DOCKERFILE_SYNTAX', 2, /berth build --allow device/],
  ];
  for (const [what, dockerfile, code, line, message] of broken) {
    it(`names the line of ${what}`, async () => {
      await world.write('broken', { Dockerfile: dockerfile, file: 'f', 'folder/x': 'x', secret: 's', '.dockerignore': 'secret\n' });
      await assert.rejects(world.build('broken'), (error: BerthError) => {
        assert.deepEqual([error.code, error.params['line']], [code, line], error.message);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('says which Dockerfile, context or target is missing, and which name is none', async () => {
    await world.write('empty', { other: 'FROM scratch AS only\n' });
    await assert.rejects(world.build('empty'), { code: 'DOCKERFILE_NOT_FOUND', message: 'Cannot locate specified Dockerfile: Dockerfile' });
    await assert.rejects(world.build('not-there'), { code: 'BUILD_CONTEXT_INVALID' });
    await assert.rejects(world.build('empty', { target: 'x', dockerfile: 'other' }), { code: 'BUILD_TARGET_NOT_FOUND' });
    await assert.rejects(world.build('empty', { tags: ['Not A Name'] }), { code: 'INVALID_REFERENCE' });
  });

  it('leaves nothing when it is cancelled', async () => {
    await world.write('cancel', { Dockerfile: 'FROM debian AS a\nRUN touch /a; sleep 30\nFROM debian AS b\nRUN touch /b; sleep 30\nFROM debian\nCOPY --from=a /a /\nCOPY --from=b /b /\n' });
    const cancel = new AbortController();
    const building = world.build('cancel', {}, cancel.signal);
    setTimeout(() => cancel.abort(), 700);
    const begun = Date.now();
    await assert.rejects(building, { code: 'CANCELLED' });
    assert.ok(Date.now() - begun < 10_000);
  });

  it('leaves nothing after the engine was killed in the middle of it, once the next one has started', async () => {
    await world.write('kill', { Dockerfile: 'FROM debian\nCOPY x /x\nRUN touch /begun; sleep 600\n', x: 'x' });
    const child = start(process.execPath, [resolve(import.meta.dirname, '../../support/buildChild.ts'), world.root, 'bldf', world.context('kill')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    while (!/RUN touch[^\n]*"started"/.test(printed) && child.exitCode === null) await delay(20);
    await delay(300);
    assert.equal(child.exitCode, null, printed);
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
    assert.ok((await readdir(join(world.dataRoot, 'build-cache/tmp'))).length > 0, 'it was killed in the middle');
    await world.restart();
    assert.deepEqual(await world.leftovers(), []);
    await world.write('kill', { Dockerfile: 'FROM debian\nCOPY x /x\nRUN true\n' });
    assert.deepEqual((await world.build('kill')).ran(), ['RUN true'], 'the copy before the kill is in the cache');
  });
});
