import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ApiClient } from '../../../../engine/api/client.ts';
import { imageHistoryItemSchema, imageInspectSchema, imageSummarySchema } from '../../../../engine/api/docker/image.ts';
import type { ImageSummary } from '../../../../engine/api/docker/image.ts';
import { EventBus } from '../../../../engine/base/eventBus.ts';
import { run } from '../../../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../../../engine/host/process.ts';
import { berthImageRoutes } from '../../../../engine/server/routes/berth/images.ts';
import { imageRoutes } from '../../../../engine/server/routes/docker/images.ts';
import { systemRoutes } from '../../../../engine/server/routes/docker/system.ts';
import { dockerArchive, plainLayer } from '../../../support/imageArchive.ts';
import { ImageWorld } from '../../../support/imageWorld.ts';
import { TestRegistry } from '../../../support/registry.ts';
import { serveRoutes } from '../../../support/routeServer.ts';
import { tarball } from '../../../support/tarball.ts';

const layer = plainLayer(tarball([{ path: 'etc', type: 'directory' }, { path: 'etc/motd', content: 'hello' }]));

describe('image routes, driven by the docker CLI', () => {
  let world: ImageWorld;
  let server: Awaited<ReturnType<typeof serveRoutes>>;
  let scratch: string;
  let archive: string;
  before(async () => {
    world = await ImageWorld.create();
    scratch = await mkdtemp(join(tmpdir(), 'berth-cli-'));
    archive = join(scratch, 'image.tar');
    await writeFile(archive, dockerArchive({ layers: [layer], tags: ['app:1'], config: { config: { Labels: { a: 'b' } }, history: [{ created: '2024-01-01T00:00:00Z', created_by: 'COPY . .' }] } }).archive);
    const facts = { version: '0', id: 'x', dataRoot: world.root, runtimeName: () => 'crun', cgroupVersion: '1' as const, controllers: () => undefined, swapLimit: true, rootless: false, osName: 'Test', warnings: () => [] };
    const counts = { containers: () => ({ running: 0, paused: 0, stopped: 0 }), images: () => world.images.list().length };
    server = await serveRoutes([...systemRoutes(facts, counts, new EventBus()), ...imageRoutes({ images: world.images, archives: world.archives, remote: world.remote, snapshots: world.snapshots, sweepServed: () => Promise.resolve(0) }), ...berthImageRoutes(world.images, world.archives, world.snapshots)]);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await world.remove();
    await rm(scratch, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const { id } of world.images.list()) await world.images.remove(id, { force: true });
  });

  const docker = (args: string[], options: RunOptions = {}): Promise<RunResult> => run('docker', ['-H', `unix://${server.client.socketPath}`, ...args], { env: { ...process.env, DOCKER_CONFIG: scratch, DOCKER_HOST: '' }, ...options });
  const out = async (...args: string[]): Promise<string> => (await docker(args)).stdout.trim();

  it('load, images, inspect, history, tag, save, rmi', async () => {
    assert.equal(await out('load', '-i', archive), 'Loaded image: app:1');
    await out('tag', 'app:1', 'other:name');
    assert.equal(await out('load', '-i', archive), 'Loaded image: app:1', 'names that the archive does not give are not reported');
    await out('rmi', 'other:name');
    assert.match(await out('images'), /app +1 +[0-9a-f]{12} .* 5B/);
    const [inspected] = z.array(imageInspectSchema).parse(JSON.parse(await out('inspect', 'app:1')));
    assert.deepEqual([inspected?.RepoTags, inspected?.RootFS.Layers, inspected?.Size], [['app:1'], [layer.diffId], 5]);
    assert.match(await out('history', 'app:1'), /COPY \. \. +5B/);
    await out('tag', 'app:1', 'localhost:5000/team/app:x');
    assert.equal(await out('images', '-q', 'localhost:5000/team/app:x'), await out('images', '-q', 'app'));
    await out('save', '-o', join(scratch, 'saved.tar'), 'app:1', 'localhost:5000/team/app:x');
    assert.match(await out('rmi', 'app:1'), /^Untagged: app:1$/);
    assert.match(await out('rmi', 'localhost:5000/team/app:x'), /^Untagged: localhost:5000\/team\/app:x\nDeleted: sha256:[0-9a-f]{64}$/);
    assert.deepEqual((await out('load', '-i', join(scratch, 'saved.tar'))).split('\n'), ['Loaded image: app:1', 'Loaded image: localhost:5000/team/app:x']);
  });

  it('images filtered, and pruned', async () => {
    await out('load', '-i', archive);
    assert.equal((await out('images', '-q', '--filter', 'label=a=b')).length, 12);
    assert.equal(await out('images', '-q', '--filter', 'dangling=true'), '');
    await world.images.store.untag(['app:1']);
    assert.match(await out('images'), /<none> +<none>/);
    assert.match(await out('image', 'prune', '-f'), /deleted: sha256:[0-9a-f]{64}\n\nTotal reclaimed space: 5B/i);
    assert.equal(await out('images', '-q'), '');
  });

  it('pull, with progress and the status that Docker gives', async () => {
    const registry = await TestRegistry.start();
    try {
      await registry.push(`docker-archive:${archive}`, 'team/app:1');
      const ref = `${registry.host}/team/app:1`;
      const first = await out('pull', ref);
      assert.match(first, /^1: Pulling from team\/app$/m);
      assert.match(first, /^[0-9a-f]{12}: Pull complete$/m);
      assert.match(first, /^Digest: sha256:[0-9a-f]{64}$/m);
      assert.match(first, new RegExp(`^Status: Downloaded newer image for ${ref}$`, 'm'));
      assert.match(await out('pull', ref), /Status: Image is up to date/);
      const unknown = await docker(['pull', `${registry.host}/team/none:1`], { okStatus: 'any' });
      assert.notEqual(unknown.status, 0);
      assert.match(unknown.stderr, /manifest for .*team\/none:1 not found/);
    } finally {
      await registry.stop();
    }
  });

  it('import of a root file system, with changes', async () => {
    const root = join(scratch, 'root.tar');
    await writeFile(root, tarball([{ path: 'bin', type: 'directory' }]));
    assert.match(await out('import', '-c', 'CMD ["/bin/x"]', '-m', 'mine', root, 'imported:1'), /^sha256:[0-9a-f]{64}$/);
    const [inspected] = z.array(imageInspectSchema).parse(JSON.parse(await out('inspect', 'imported:1')));
    assert.deepEqual(inspected?.Config?.['Cmd'], ['/bin/x']);
    assert.equal(inspected?.Comment, 'mine');
  });

  it('errors in Docker’s words', async () => {
    for (const [args, message] of [
      [['rmi', 'none:1'], /No such image: none:1/],
      [['inspect', '--type', 'image', 'none:1'], /No such image: none:1/],
      [['save', 'none:1'], /No such image: none:1/],
      [['history', 'none'], /No such image: none:latest/],
      [['tag', 'none', 'x'], /No such image: none:latest/],
      [['load', '-i', join(scratch, 'config.json')], /./],
      [['push', 'none:1'], /not supported|tag does not exist|No such image/],
    ] as Array<[string[], RegExp]>) {
      await writeFile(join(scratch, 'config.json'), '{}');
      const { status, stderr } = await docker(args, { okStatus: 'any' });
      assert.notEqual(status, 0, args.join(' '));
      assert.match(stderr, message, args.join(' '));
    }
  });

  it('says why an archive was refused, however much of it is still to come', async () => {
    const bad = join(scratch, 'bad.tar');
    await writeFile(bad, Buffer.concat([tarball([{ path: '../evil', content: 'x' }]), Buffer.alloc(40 * 1024 * 1024, 'x')]));
    for (const args of [['import', bad, 'bad:1'], ['load', '-i', bad]]) {
      const { status, stderr } = await docker(args, { okStatus: 'any' });
      assert.notEqual(status, 0);
      assert.match(stderr, /leads out of the root|neither manifest\.json/, args[0]);
    }
    assert.deepEqual(await world.left(), []);
  });

  it('answers that fit the schemas, and old clients’ names for nameless images', async () => {
    await out('load', '-i', archive);
    const version = (text: string): ApiClient => new ApiClient(server.client.socketPath, text);
    const list = (text: string): Promise<ImageSummary[]> => version(text).json('GET', '/images/json', z.array(imageSummarySchema));
    await version('1.47').json('GET', '/images/docker.io/library/app:1/json', imageInspectSchema);
    await version('1.47').json('GET', '/images/app:1/history', z.array(imageHistoryItemSchema));
    assert.equal((await list('1.47')).length, 1);
    await world.images.store.untag(['app:1']);
    const [old] = await list('1.41');
    assert.deepEqual([old?.RepoTags, old?.RepoDigests, old?.['VirtualSize']], [['<none>:<none>'], ['<none>@<none>'], 5]);
    const [now] = await list('1.47');
    assert.deepEqual([now?.RepoTags, now?.['VirtualSize']], [[], undefined]);
  });
});
