import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { quietContext } from '../../../engine/base/context.ts';
import { mediaTypes } from '../../../engine/content/oci.ts';
import { RepositoryWriter } from '../../../engine/registry/repositoryWriter.ts';
import { TestEngine } from '../../support/engine.ts';
import { plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { TestRegistry } from '../../support/registry.ts';
import { ServedRegistryProcess } from '../../support/servedRegistry.ts';
import { tarball } from '../../support/tarball.ts';

const { signal } = quietContext;
const digest = (bytes: Buffer, algorithm = 'sha512'): string => `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;

const unpacked = plainLayer(tarball([{ path: 'f', content: 'by sha512'.repeat(1000) }]));

/** An image whose manifest names everything by sha512. `diffId`: what its configuration says of its layer. */
function madeImage(diffId = unpacked.diffId): { layer: Buffer; config: Buffer; manifest: Buffer } {
  const layer = gzipSync(unpacked.bytes);
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: '2024-01-01T00:00:00Z', config: { Cmd: ['/f'] }, rootfs: { type: 'layers', diff_ids: [diffId] } }));
  const described = (mediaType: string, blob: Buffer): object => ({ mediaType, digest: digest(blob), size: blob.length });
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: described(mediaTypes.ociConfig, config), layers: [described(mediaTypes.ociLayerGzip, layer)] }));
  return { layer, config, manifest };
}

describe('images by sha512', () => {
  const image = madeImage();
  const { layer, config, manifest } = image;
  const id = digest(config, 'sha256');
  let world: ImageWorld;
  beforeEach(async () => {
    world = await ImageWorld.create();
  });
  afterEach(() => world.remove());

  const push = async (host: string, reference: string, { layer, config, manifest } = image): Promise<string> => {
    using writer = new RepositoryWriter(world.registries.session(host, 'team/app', 'push'), 'team/app');
    for (const blob of [layer, config]) assert.equal((await writer.upload({ open: () => Readable.from([blob]), expected: digest(blob) }, signal)).digest, digest(blob));
    return writer.putManifest(reference, { mediaType: mediaTypes.ociManifest, body: manifest }, signal);
  };

  it('are pulled from Debian’s docker-registry, kept in blobs/sha512, and found and removed by what they are called', async () => {
    const registry = await TestRegistry.start();
    try {
      await push(registry.host, '1');
      const pulled = await world.images.pull(`${registry.host}/team/app:1`, {}, quietContext);
      assert.equal(pulled.id, id, 'an image is called by the sha256 of its configuration, whatever its manifest says');
      const kept = join(world.root, 'content', 'blobs', 'sha512', digest(config).slice(7));
      assert.ok((await readFile(kept)).equals(config));
      await world.open();
      assert.equal(world.images.resolve(`${registry.host}/team/app:1`).id, id);
      const pushed = await world.remote.push(`${registry.host}/team/app:1`, {}, quietContext);
      assert.equal(pushed.digest, digest(manifest, 'sha256'), 'the manifest goes as it came');
      await world.images.remove(id, { force: true });
      assert.deepEqual(await world.content.list(), []);
    } finally {
      await registry.stop();
    }
  });

  it('whose configuration names its layers so, too, are pulled, saved, loaded and pushed; a layer is there once, whatever it is called', async () => {
    const registry = await TestRegistry.start();
    const inside = digest(unpacked.bytes);
    try {
      for (const [tag, made] of [['usual', madeImage()], ['other', madeImage(inside)], ['wrong', madeImage(digest(Buffer.from('something else')))]] as const) await push(registry.host, tag, made);
      const ref = `${registry.host}/team/app:other`;
      await assert.rejects(world.images.pull(`${registry.host}/team/app:wrong`, {}, quietContext), { code: 'DIGEST_MISMATCH' });
      assert.deepEqual(await world.left(), []);
      const pulled = await world.images.pull(ref, {}, quietContext);
      assert.deepEqual(pulled.layers.map(({ diffId }) => diffId), [inside]);
      assert.equal(await readFile(join(world.snapshots.lowerDir(pulled.layers[0]?.snapshotId ?? ''), 'f'), 'utf8'), 'by sha512'.repeat(1000));
      const usual = await world.images.pull(`${registry.host}/team/app:usual`, {}, quietContext);
      assert.equal(usual.layers[0]?.snapshotId, pulled.layers[0]?.snapshotId);
      await world.open();
      assert.deepEqual(world.images.resolve(ref), pulled, 'after a restart');
      assert.deepEqual(await world.snapshots.verify(pulled.layers[0]?.snapshotId ?? ''), []);
      const saved = await buffer(await world.archives.save([ref]));
      assert.equal((await world.remote.push(ref, {}, quietContext)).digest, digest(madeImage(inside).manifest, 'sha256'));
      for (const { id: one } of world.images.list()) await world.images.remove(one, { force: true });
      assert.deepEqual(await world.left(), []);
      const [loaded] = await world.images.loadArchive(Readable.from([saved], { objectMode: false }), quietContext);
      assert.deepEqual([loaded?.id, loaded?.layers.map(({ diffId }) => diffId)], [pulled.id, [inside]]);
      await world.images.tag(ref, `${registry.host}/team/app:anew`);
      await world.remote.push(`${registry.host}/team/app:anew`, {}, quietContext);
      for (const { id: one } of world.images.list()) await world.images.remove(one, { force: true });
      assert.equal((await world.images.pull(`${registry.host}/team/app:anew`, {}, quietContext)).id, pulled.id);
    } finally {
      await registry.stop();
    }
  });

  it('are taken and given by berth registry serve, by tag and by digest; what is not what its digest says is refused', async () => {
    const engine = await TestEngine.start({ instance: 'rg512' });
    const registry = await ServedRegistryProcess.start(engine, ['--write']);
    try {
      await push(registry.host, '1');
      assert.equal(await push(registry.host, digest(manifest)), digest(manifest));
      const pulled = await world.images.pull(`${registry.host}/team/app@${digest(manifest)}`, {}, quietContext);
      assert.deepEqual([pulled.id, pulled.repoDigests], [id, [`${registry.host}/team/app@${digest(manifest)}`]]);
      assert.equal(pulled.manifestDigest, digest(manifest));
      assert.match((await engine.docker(['images', '--no-trunc', '--format', '{{.ID}}'])).stdout, new RegExp(id));
      using writer = new RepositoryWriter(world.registries.session(registry.host, 'team/app', 'push'), 'team/app');
      assert.equal(await writer.has(digest(layer), signal), true);
      const begun = await fetch(`http://${registry.host}/v2/team/app/blobs/uploads/`, { method: 'POST' });
      const wrong = await fetch(new URL(`${begun.headers.get('location') ?? ''}?digest=${digest(layer)}`, `http://${registry.host}`), { method: 'PUT', body: 'something else' });
      assert.equal(wrong.status, 400);
      assert.match(await wrong.text(), /DIGEST_INVALID/);
    } finally {
      await registry.stop();
      await engine.remove();
    }
  });
});
