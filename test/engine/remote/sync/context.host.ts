import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { sendContext } from '../../../../engine/remote/sync/sendContext.ts';
import type { SentContext } from '../../../../engine/remote/sync/sendContext.ts';
import { put, treeOf } from '../../../support/syncPair.ts';
import { SyncWorld } from '../../../support/syncWorld.ts';

describe('a build context for an engine elsewhere', () => {
  let world: SyncWorld;
  beforeEach(async () => void (world = await SyncWorld.open()));
  afterEach(() => world[Symbol.asyncDispose]());

  const send = (dockerfile?: string): Promise<SentContext> => sendContext({ client: world.client, folder: world.local, stateFolder: world.stateFolder, signal: new AbortController().signal, ...(dockerfile === undefined ? {} : { dockerfile }) });

  it('is there as it is here, without what .dockerignore leaves out but with the files that the builder reads', async () => {
    put(world.local, { Dockerfile: 'FROM x', '.dockerignore': 'node_modules\n*.md\n!README.md\nDockerfile\n.dockerignore\n', 'node_modules/a/b': 'x', 'NOTES.md': 'n', 'README.md': 'r', 'src/run': '#!/bin/sh', '.git/HEAD': 'ref' });
    chmodSync(join(world.local, 'src/run'), 0o755);
    symlinkSync('src/run', join(world.local, 'link'));
    utimesSync(join(world.local, 'src/run'), 1_000_000_000, 1_000_000_000);
    await using sent = await send();
    assert.deepEqual(Object.keys(treeOf(sent.path)), ['.dockerignore', '.git', '.git/HEAD', 'Dockerfile', 'README.md', 'link', 'src', 'src/run']);
    assert.equal(treeOf(sent.path)['src/run'], '755 #!/bin/sh');
    assert.equal(statSync(join(sent.path, 'src/run')).mtimeMs, 1_000_000_000_000, 'a layer has the times of the files');
    assert.equal(sent.dockerfile, 'Dockerfile');
  });

  it('goes over the line once; then only what changed does, and removals', async () => {
    put(world.local, { Dockerfile: 'FROM x', big: randomBytes(4 * 1024 * 1024), a: '1', b: '2' });
    const first = await send();
    await first[Symbol.asyncDispose]();
    assert.ok(first.bytesSent > 4 * 1024 * 1024);
    const same = await send();
    await same[Symbol.asyncDispose]();
    assert.deepEqual([same.changes, same.bytesSent < 1000], [0, true], `${same.bytesSent} bytes`);
    put(world.local, { a: 'changed' });
    rmSync(join(world.local, 'b'));
    await using third = await send();
    assert.deepEqual([third.changes, third.bytesSent < 2000, existsSync(join(third.path, 'b'))], [2, true, false], `${third.bytesSent} bytes`);
    assert.equal(treeOf(third.path)['a'], '644 changed');
  });

  it('stays as it is while a build uses it', async () => {
    put(world.local, { Dockerfile: 'FROM x', a: '1' });
    const first = await send();
    put(world.local, { a: '2' });
    const waiting = send();
    assert.equal(treeOf(first.path)['a'], '644 1');
    await first[Symbol.asyncDispose]();
    await using second = await waiting;
    assert.equal(treeOf(second.path)['a'], '644 2');
  });

  it('must have its Dockerfile inside, and rules that are rules', async () => {
    put(world.local, { 'x/Dockerfile': 'FROM x', '.dockerignore': '[' });
    await assert.rejects(send(join(world.folder, 'Dockerfile')), { code: 'CONTEXT_NOT_SENT' });
    await assert.rejects(send('x/Dockerfile'), { code: 'CONTEXT_NOT_SENT' });
  });
});
