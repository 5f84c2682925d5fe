import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';
import { TestRegistry } from '../../support/registry.ts';

const DOCKERFILE = `FROM debian AS make
RUN echo make-ran && mkdir /out && echo made > /out/file
FROM scratch
COPY a.txt /a.txt
COPY --from=make /out /out
`;

/** The whole way: the CLI, two engines with data of their own, a registry or a folder between them. */
describe('berth build --cache-to and --cache-from', () => {
  let mine: TestEngine;
  let theirs: TestEngine;
  let registry: TestRegistry;

  before(async () => {
    [mine, theirs, registry] = await Promise.all([TestEngine.start({ instance: 'bccli1' }), TestEngine.start({ instance: 'bccli2' }), TestRegistry.start()]);
    for (const engine of [mine, theirs]) {
      await engine.docker(['import', await baseTar(), 'debian']);
      await mkdir(join(engine.root, 'app'));
      await writeFile(join(engine.root, 'app/Dockerfile'), DOCKERFILE);
      await writeFile(join(engine.root, 'app/a.txt'), 'a');
    }
  });
  after(async () => {
    await Promise.all([mine.remove(), theirs.remove()]);
    await registry.stop();
  });

  const build = (engine: TestEngine, ...args: string[]): Promise<RunResult> => engine.berth(['build', '--progress=plain', ...args, 'app']);
  const fresh = async (engine: TestEngine): Promise<void> => {
    await engine.docker(['system', 'prune', '-af']);
    await engine.docker(['import', await baseTar(), 'debian']);
    await engine.docker(['builder', 'prune', '-af']);
  };
  const allCached = ({ stdout, stderr }: RunResult): void => {
    assert.doesNotMatch(stderr, /DONE|^#\d+ make-ran|warning/m);
    assert.match(stderr, /CACHED \[1 \d\/5\] COPY a.txt/);
    assert.match(stdout, /^sha256:/);
  };

  it('a folder brings the steps from one engine to another, also one that has to be sent it', async () => {
    const folder = join(mine.root, 'cache');
    const first = await build(mine, '--cache-to', `type=local,dest=${folder},mode=max`);
    assert.match(first.stderr, /make-ran/);
    assert.deepEqual((await readdir(folder)).sort(), ['blobs', 'index.json', 'oci-layout']);
    for (const flags of [[], ['--send-context']]) {
      const second = await build(theirs, ...flags, '--cache-from', `type=local,src=${folder}`);
      allCached(second);
      assert.equal(second.stdout, first.stdout);
      await theirs.docker(['rmi', second.stdout.trim()]);
    }
    await writeFile(join(theirs.root, 'app/a.txt'), 'b');
    const changed = await build(theirs, '--cache-from', `type=local,src=${folder}`);
    assert.match(changed.stderr, /DONE \[1 \d\/5\] COPY a.txt/);
    assert.match(changed.stderr, /CACHED \[make 2\/5\]/);
    assert.doesNotMatch(changed.stderr, /^#2 make-ran/m);
    await writeFile(join(theirs.root, 'app/a.txt'), 'a');
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as { manifests: unknown[] };
    assert.equal(index.manifests.length, 1);
  });

  it('an image carries its own steps with it, through a registry and where it is already', async () => {
    await fresh(theirs);
    const name = `${registry.host}/app:1`;
    const first = await build(mine, '-t', name, '--cache-to', 'type=inline', '--push');
    const second = await build(theirs, '--cache-from', name, '--cache-to', 'type=inline', '-t', 'here:1');
    allCached(second);
    assert.equal(second.stdout, first.stdout);
    await theirs.docker(['builder', 'prune', '-af']);
    allCached(await build(theirs, '--cache-from', 'here:1'));
    await theirs.docker(['builder', 'prune', '-af']);
    const classic = await theirs.docker(['build', '--cache-from', 'here:1', 'app']);
    assert.doesNotMatch(classic.stdout, /^make-ran/m);
    assert.match(classic.stdout, /Step 5\/5 : COPY --from=make \/out \/out\n ---> Using cache/);
  });

  it('has nothing of a secret, nor has anything else', async () => {
    const secret = `s3cr3t-${randomBytes(12).toString('hex')}`;
    await writeFile(join(mine.root, 'app/Dockerfile'), 'FROM debian\nRUN --mount=type=secret,id=t,env=T --mount=type=secret,id=t test "$(cat /run/secrets/t)" = "$T" && echo "$T" | md5sum > /sum\n');
    const folder = join(mine.root, 'secretive');
    const flags = ['--cache-to', `type=local,dest=${folder},mode=max`, '--cache-to', `type=registry,ref=${registry.host}/secretive:1,mode=max`, '--secret', 'id=t,env=TOKEN'];
    await mine.berth(['build', ...flags, '-t', `${registry.host}/secretive:app`, '--push', 'app'], { env: { TOKEN: secret } });
    await mine.docker(['save', '-o', join(mine.root, 'saved.tar'), `${registry.host}/secretive:app`]);
    // A command that fails with a secret in its hands says nothing of it either.
    await writeFile(join(mine.root, 'app/Dockerfile'), 'FROM debian\nRUN --mount=type=secret,id=t,env=T echo "${T%%-*}" && exit 1\n');
    const failed = await mine.berth(['build', '--secret', 'id=t,env=TOKEN', 'app'], { env: { TOKEN: secret }, okStatus: [1] });
    assert.ok(!failed.stderr.includes(secret));
    const found = async (places: readonly string[]): Promise<string> => (await run('grep', ['-rlaF', secret, ...places], { okStatus: 'any' })).stdout;
    assert.equal(await found([mine.dataRoot, mine.runRoot, folder, join(mine.root, 'saved.tar')]), '');
    const blobs = (await run('find', [registry.folder, '-type', 'f', '-name', 'data'])).stdout.trim().split('\n');
    assert.ok(blobs.length > 3);
    for (const blob of blobs) assert.equal((await run('zgrep', ['-caF', secret, blob], { okStatus: 'any' })).stdout.trim(), '0');
    await writeFile(join(mine.root, 'seen'), secret);
    assert.equal((await found([mine.root])).trim(), join(mine.root, 'seen'));
  });

  it('an image of several platforms carries the steps of each', async () => {
    await fresh(theirs);
    for (const engine of [mine, theirs]) {
      await mkdir(join(engine.root, 'cross'));
      await writeFile(join(engine.root, 'cross/Dockerfile'), 'FROM --platform=$BUILDPLATFORM debian AS make\nARG TARGETARCH\nRUN echo cross-ran for $TARGETARCH && echo $TARGETARCH > /out\nFROM scratch\nCOPY --from=make /out /out\n');
    }
    const name = `${registry.host}/cross:1`;
    const cross = (engine: TestEngine, ...args: string[]): Promise<RunResult> => engine.berth(['build', '--progress=plain', '--platform', 'linux/amd64,linux/arm64', ...args, 'cross']);
    const first = await cross(mine, '-t', name, '--cache-to', 'type=inline', '--push');
    for (const arch of ['amd64', 'arm64']) assert.match(first.stderr, new RegExp(`cross-ran for ${arch}`));
    const second = await cross(theirs, '--cache-from', `type=registry,ref=${name}`, '--cache-to', 'type=inline', '-t', 'cross:2');
    assert.doesNotMatch(second.stderr, /^#\d+ cross-ran|warning/m);
    assert.equal(second.stdout, first.stdout);
    await theirs.docker(['builder', 'prune', '-af']);
    assert.doesNotMatch((await cross(theirs, '--cache-from', 'cross:2')).stderr, /^#\d+ cross-ran|warning/m);
  });

  it('an image without steps, and a cache that is not there, are warnings', async () => {
    await fresh(theirs);
    const { stderr } = await build(theirs, '--cache-from', 'debian', '--cache-from', `type=registry,ref=${registry.host}/none:1`);
    assert.match(stderr, /warning: the build cache debian.* is not used/);
    assert.match(stderr, /warning: the build cache .*none:1 is not used/);
    assert.match(stderr, /make-ran/);
  });
});
