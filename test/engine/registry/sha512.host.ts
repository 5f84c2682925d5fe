import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
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

/** An image whose manifest names everything by sha512. */
function madeImage(): { layer: Buffer; config: Buffer; manifest: Buffer } {
  const { bytes, diffId } = plainLayer(tarball([{ path: 'f', content: 'by sha512'.repeat(1000) }]));
  const layer = gzipSync(bytes);
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: '2024-01-01T00:00:00Z', config: { Cmd: ['/f'] }, rootfs: { type: 'layers', diff_ids: [diffId] } }));
  const described = (mediaType: string, blob: Buffer): object => ({ mediaType, digest: digest(blob), size: blob.length });
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: described(mediaTypes.ociConfig, config), layers: [described(mediaTypes.ociLayerGzip, layer)] }));
  return { layer, config, manifest };
}

describe('images by sha512', () => {
  const { layer, config, manifest } = madeImage();
  const id = digest(config, 'sha256');
  let world: ImageWorld;
  beforeEach(async () => {
    world = await ImageWorld.create();
  });
  afterEach(() => world.remove());

  const push = async (host: string, reference: string): Promise<string> => {
    using writer = new RepositoryWriter(world.registries.session(host, 'team/app', 'push'), 'team/app');
    for (const blob of [layer, config]) assert.equal((await writer.upload({ open: () => Readable.from([blob]), expected: digest(blob) }, signal)).digest, digest(blob));
    return writer.putManifest(reference, { mediaType: mediaTypes.ociManifest, body: manifest }, signal);
  };

  it('are pulled from Debian’s docker-registry, kept in blobs/sha512, and found and removed by what they are called', async () => {
    const registry = await TestRegistry.start();
    try {
      await push(registry.host, '1');
      const image = await world.images.pull(`${registry.host}/team/app:1`, {}, quietContext);
      assert.equal(image.id, id, 'an image is called by the sha256 of its configuration, whatever its manifest says');
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

  it('are taken and given by berth registry serve, by tag and by digest; what is not what its digest says is refused', async () => {
    const engine = await TestEngine.start({ instance: 'rg512' });
    const registry = await ServedRegistryProcess.start(engine, ['--write']);
    try {
      await push(registry.host, '1');
      assert.equal(await push(registry.host, digest(manifest)), digest(manifest));
      const image = await world.images.pull(`${registry.host}/team/app@${digest(manifest)}`, {}, quietContext);
      assert.deepEqual([image.id, image.repoDigests], [id, [`${registry.host}/team/app@${digest(manifest)}`]]);
      assert.equal(image.manifestDigest, digest(manifest));
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
