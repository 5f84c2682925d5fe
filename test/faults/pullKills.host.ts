import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { quietContext } from '../../engine/base/context.ts';
import { start } from '../../engine/host/process.ts';
import { BreakingProxy } from '../support/breakingProxy.ts';
import { dockerArchive, plainLayer } from '../support/imageArchive.ts';
import { ImageWorld } from '../support/imageWorld.ts';
import { pullChildPath } from '../support/pullChild.ts';
import { seededRandom } from '../support/random.ts';
import { TestRegistry } from '../support/registry.ts';
import { tarball } from '../support/tarball.ts';

const kills = Number(process.env['BERTH_PULL_KILLS'] ?? 10);
const seed = Number(process.env['BERTH_FAULT_SEED'] ?? Date.now() % 1_000_000);
/** Memory where there is some: it is the moments that count, not the disk. */
const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** BERTH_PULL_KILLS=200 has more of them, BERTH_FAULT_SEED the same moments again. */
describe(`a pull killed at ${kills} moments (BERTH_FAULT_SEED=${seed})`, function () {
  this.timeout(60_000 + kills * 5000);
  const random = seededRandom(seed);
  const layers = Array.from({ length: 5 }, (_one, index) =>
    plainLayer(tarball([...Array.from({ length: 40 }, (_two, file) => ({ path: `layer${index}/file${file}`, content: `${index} ${file} `.repeat(4000) })), { path: `layer${index}/large`, content: Buffer.from(Array.from({ length: 400_000 }, () => random() * 256)) }])),
  );
  let registry: TestRegistry;
  let proxy: BreakingProxy;
  let ref: string;
  before(async () => {
    registry = await TestRegistry.start();
    proxy = await BreakingProxy.start(registry.host);
    ref = `${proxy.host}/app:1`;
    const maker = await ImageWorld.create();
    await maker.images.loadArchive(Readable.from([dockerArchive({ layers, tags: [ref] }).archive], { objectMode: false }), quietContext);
    await maker.remote.push(ref, {}, quietContext);
    await maker.remove();
  });
  after(async () => {
    proxy.close();
    await registry.stop();
  });

  /** Pulls in a process of its own, which is killed so many milliseconds after it began; returns how long it took. */
  const pullAndKill = async (root: string, after: number | undefined): Promise<number> => {
    const child = start(process.execPath, ['--disable-warning=ExperimentalWarning', pullChildPath, root, ref], { stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(child, 'close');
    await once(child.stdout ?? child, 'data');
    const began = performance.now();
    if (after !== undefined) {
      await delay(after);
      child.kill('SIGKILL');
    }
    await closed;
    return performance.now() - began;
  };

  /** Every blob and every layer is what its digest says. Returns the layers. */
  const verify = async (world: ImageWorld): Promise<string[]> => {
    for (const digest of await world.content.list()) await world.content.read(digest);
    for (const { id } of world.snapshots.list()) for await (const _chunk of await world.snapshots.openTar(id)) void _chunk;
    return world.snapshots.list().map(({ diffId }) => diffId ?? '');
  };

  it('leaves a store that verifies, and the next pull goes on with the layers that were whole', async () => {
    const first = await mkdtemp(join(parent, 'berth-kill-'));
    const took = await pullAndKill(first, undefined);
    await rm(first, { recursive: true, force: true });
    let spared = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const root = await mkdtemp(join(parent, 'berth-kill-'));
      await pullAndKill(root, random() * took);
      const world = await ImageWorld.on(root);
      try {
        const whole = await verify(world);
        spared += whole.length;
        proxy.seen.length = 0;
        const image = await world.images.pull(ref, {}, quietContext);
        assert.deepEqual(image.layers.map(({ diffId }) => diffId), layers.map(({ diffId }) => diffId));
        const downloads = proxy.seen.filter(({ method, path, sent }) => method === 'GET' && /\/blobs\//.test(path) && sent > 10_000).length;
        assert.equal(downloads, layers.length - whole.length, `kill ${kill}: ${whole.length} layers were whole`);
        await verify(world);
        assert.deepEqual(await readdir(join(root, 'pulls')), []);
        await world.images.remove(image.id, { force: true });
        assert.deepEqual(await world.left(), [], `kill ${kill}`);
      } finally {
        await world.remove();
      }
    }
    // With a few kills all may have come before the first layer or after the last.
    if (kills >= 50) assert.ok(spared > 0, 'no kill came between two layers');
  });
});
