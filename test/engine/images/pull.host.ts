import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { setTimeout as delay } from 'node:timers/promises';
import { quietContext } from '../../../engine/base/context.ts';
import type { Progress } from '../../../engine/base/context.ts';
import { hostPlatform } from '../../../engine/base/platform.ts';
import { FakeRegistry } from '../../support/fakeRegistry.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import type { MadeLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { TestRegistry } from '../../support/registry.ts';
import { tarball } from '../../support/tarball.ts';

const first = plainLayer(tarball([{ path: 'etc', type: 'directory' }, { path: 'etc/motd', content: 'hello' }]));
const second = plainLayer(tarball([{ path: 'etc/.wh.motd' }]));
const zipped = (layer: MadeLayer, compress: (data: Buffer) => Buffer): MadeLayer => ({ ...layer, bytes: compress(layer.bytes) });

describe('pulling from Debian’s docker-registry', () => {
  let registry: TestRegistry;
  let world: ImageWorld;
  before(async () => {
    registry = await TestRegistry.start();
  });
  after(() => registry.stop());
  beforeEach(async () => {
    world = await ImageWorld.create();
  });
  afterEach(() => world.remove());

  it('gets what skopeo put there, compressed with gzip or zstd, and what is here already is not downloaded again', async () => {
    const archive = join(world.root, 'image.tar');
    const { archive: bytes, id } = dockerArchive({ layers: [first, second], tags: ['app:1'], config: { config: { Env: ['A=1'] } } });
    await writeFile(archive, bytes);
    await registry.push(`docker-archive:${archive}`, 'team/app:gzip');
    await registry.push(`docker-archive:${archive}`, 'team/app:zstd', ['--dest-compress-format', 'zstd', '--format', 'oci']);
    const reports: Progress[] = [];
    const ctx = { ...quietContext, report: (progress: Progress) => void reports.push(progress) };
    const image = await world.images.pull(`${registry.host}/team/app:gzip`, {}, ctx);
    assert.equal(image.id, id);
    assert.deepEqual(image.repoTags, [`${registry.host}/team/app:gzip`]);
    assert.match(image.repoDigests[0] ?? '', new RegExp(`^${registry.host}/team/app@sha256:[0-9a-f]{64}$`));
    assert.deepEqual(reports.map(({ status }) => status).filter((status) => /complete|exists/.test(status)), ['Pull complete', 'Pull complete']);
    assert.equal(world.images.resolve(image.repoDigests[0] ?? '').id, id, 'by digest too');
    reports.length = 0;
    const again = await world.images.pull(`${registry.host}/team/app:zstd`, {}, ctx);
    assert.deepEqual(again.layers, image.layers);
    assert.deepEqual(reports.map(({ status }) => status).filter((status) => /complete|exists/.test(status)), ['Already exists', 'Already exists']);
    await world.open();
    assert.equal(world.images.resolve(`${registry.host}/team/app:gzip`).id, id);
    for (const one of world.images.list()) await world.images.remove(one.id, { force: true });
    assert.deepEqual((await world.left()).filter((name) => name !== 'image.tar'), []);
  });

  it('says that an image, or the whole registry, is not known there', async () => {
    await assert.rejects(world.images.pull(`${registry.host}/no/such:1`, {}, quietContext), { code: 'REGISTRY_IMAGE_UNKNOWN', status: 404, message: /no\/such:1.*Check its name/ });
    assert.deepEqual(await world.left(), []);
  });
});

describe('pulling with a login', () => {
  it('is refused without one, and works with one', async () => {
    const registry = await TestRegistry.start({ users: { bob: 'secret' } });
    const world = await ImageWorld.create();
    try {
      const archive = join(world.root, 'image.tar');
      await writeFile(archive, dockerArchive({ layers: [first], tags: ['app:1'] }).archive);
      await registry.push(`docker-archive:${archive}`, 'app:1', ['--dest-creds', 'bob:secret']);
      const pull = (credentials?: { username: string; password: string }): Promise<unknown> => world.images.pull(`${registry.host}/app:1`, credentials ? { credentials } : {}, quietContext);
      await assert.rejects(pull(), { code: 'REGISTRY_UNAUTHORIZED', status: 401, message: /wants a login/ });
      await assert.rejects(pull({ username: 'bob', password: 'wrong' }), { code: 'REGISTRY_UNAUTHORIZED' });
      await pull({ username: 'bob', password: 'secret' });
      assert.equal(world.images.list().length, 1);
    } finally {
      await registry.stop();
      await world.remove();
    }
  });
});

describe('pulling from registries that misbehave', () => {
  let world: ImageWorld;
  let registry: FakeRegistry;
  beforeEach(async () => {
    world = await ImageWorld.create();
    registry = await FakeRegistry.start([{ layers: [zipped(first, gzipSync), zipped(second, zstdCompressSync)] }]);
  });
  afterEach(async () => {
    registry.close();
    await world.remove();
  });
  const pull = (signal = quietContext.signal): ReturnType<ImageWorld['images']['pull']> => world.images.pull(`${registry.host}/app:1`, {}, { signal, report: () => undefined });
  const isBlob = (url: string | undefined): boolean => url?.includes('/blobs/') === true;

  it('layers of either compression, in one image', async () => {
    assert.deepEqual((await pull()).layers.map(({ diffId }) => diffId), [first.diffId, second.diffId]);
  });

  it('a blob that is not what its digest says', async () => {
    registry.misbehave = (request, response, body) => isBlob(request.url) && body.length > 0 && body[0] === 0x1f && Boolean(response.end(Buffer.from(body).fill(0, body.length - 4)));
    await assert.rejects(pull(), /digest|damaged/);
    assert.deepEqual(await world.left(), []);
  });

  it('a connection that breaks in the middle of a layer', async () => {
    registry.misbehave = (request, response, body) => {
      if (!isBlob(request.url) || body[0] !== 0x28) return false;
      response.writeHead(200, { 'Content-Length': body.length }).write(body.subarray(0, 30));
      setTimeout(() => response.destroy(), 250); // long enough for what was written to arrive on a busy machine
      return true;
    };
    await assert.rejects(pull(), { code: 'REGISTRY_UNREACHABLE', message: /the connection broke after 30 of \d+ bytes/ });
    assert.deepEqual(await world.left(), []);
  });

  it('a blob that never ends', async () => {
    registry.misbehave = (request, response, body) => isBlob(request.url) && body[0] === 0x1f && Boolean(response.end(Buffer.concat([body, Buffer.alloc(10_000)])));
    await assert.rejects(pull(), { code: 'DIGEST_MISMATCH' });
    assert.deepEqual(await world.left(), []);
  });

  it('manifests that are no manifests, that are endless, and a status that nobody expects', async () => {
    registry.misbehave = (_request, response) => Boolean(response.end('<html>'));
    await assert.rejects(pull(), { code: 'REGISTRY_DOCUMENT_INVALID', message: /the manifest of .*app:1/ });
    registry.misbehave = (_request, response) => Boolean(response.end(Buffer.alloc(5 * 1024 * 1024, 0x20)));
    await assert.rejects(pull(), { code: 'REGISTRY_REFUSED', message: /longer than/ });
    registry.misbehave = (_request, response) => Boolean(response.writeHead(503).end('busy'));
    await assert.rejects(pull(), { code: 'REGISTRY_REFUSED', message: /status 503: busy/ });
    assert.deepEqual(await world.left(), []);
  });

  it('foreign layers, whose content is at an address that the manifest names: refused before anything is downloaded, and nobody goes there', async () => {
    const asked: string[] = [];
    const elsewhere = createHttpServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const urls = [`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/layer`];
    try {
      for (const change of [{ urls }, { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }, { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', urls }, { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd' }]) {
        registry.requests.length = 0;
        registry.misbehave = (request, response, body) => {
          if (request.url?.includes('/manifests/') !== true) return false;
          const { layers: [layer, ...rest], ...manifest } = JSON.parse(body.toString()) as { layers: object[]; mediaType: string };
          response.setHeader('Content-Type', manifest.mediaType);
          return Boolean(response.end(JSON.stringify({ ...manifest, layers: [...rest, { ...layer, ...change }] })));
        };
        await assert.rejects(pull(), { code: 'LAYER_FOREIGN', status: 400, message: /app:1 has a foreign layer \(sha256:[0-9a-f]{64}\).*does not follow/ });
        assert.deepEqual(registry.requests.filter((url) => isBlob(url)), [], 'nothing was downloaded');
      }
      assert.deepEqual(asked, []);
      assert.deepEqual(await world.left(), []);
    } finally {
      elsewhere.close();
    }
  });

  it('cancelled while a layer comes in, leaves nothing; another pull of the same layer goes on', async () => {
    const controller = new AbortController();
    let stalled = 0;
    registry.misbehave = (request, response, body) => {
      if (!isBlob(request.url) || body[0] !== 0x1f || stalled > 0) return false;
      stalled += 1;
      response.writeHead(200, { 'Content-Length': body.length }).write(body.subarray(0, 10));
      setTimeout(() => controller.abort(), 100);
      return true;
    };
    const cancelled = pull(controller.signal);
    while (stalled === 0) await delay(5);
    const other = pull();
    await assert.rejects(cancelled, { name: 'AbortError' });
    assert.equal((await other).layers.length, 2);
    await world.images.remove((await other).id, { force: true });
    assert.deepEqual(await world.left(), []);
  });

  it('gets a token where the registry asks for one, and follows it to where blobs really are', async () => {
    registry.misbehave = (request, response) => {
      if (request.url?.startsWith('/token')) return Boolean(response.end(JSON.stringify({ token: 'T' })));
      if (request.url?.startsWith('/elsewhere')) return false;
      if (request.headers.authorization !== 'Bearer T') return Boolean(response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${registry.host}/token",service="fake",scope="repository:app:pull"` }).end());
      return isBlob(request.url) && Boolean(response.writeHead(307, { Location: `/elsewhere${request.url ?? ''}` }).end());
    };
    assert.equal((await pull()).layers.length, 2);
    assert.ok(registry.requests.includes('/token'));
    assert.equal(registry.requests.filter((path) => path.startsWith('/elsewhere')).length, 3);
  });

  it('sends no password to a realm on another host without TLS', async () => {
    registry.misbehave = (_request, response) => Boolean(response.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="http://evil.example/token"' }).end());
    await assert.rejects(world.images.pull(`${registry.host}/app:1`, { credentials: { username: 'u', password: 'p' } }, quietContext), { code: 'REGISTRY_REFUSED', message: /no https address/ });
  });

  it('names the host that does not answer, and why', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(world.images.pull(`127.0.0.1:${port}/app:1`, {}, quietContext), { code: 'REGISTRY_UNREACHABLE', status: 502, message: new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached: .*ECONNREFUSED`) });
    await assert.rejects(world.images.pull('registry.invalid/app:1', {}, quietContext), { code: 'REGISTRY_UNREACHABLE', message: /registry\.invalid/ });
    assert.deepEqual(await world.left(), []);
  });
});

describe('pulling one of several platforms', () => {
  it('takes this host’s, or the one asked for, or says what there is', async () => {
    const { os, architecture } = hostPlatform();
    const registry = await FakeRegistry.start([{ layers: [second], platform: 'linux/s390x' }, { layers: [first], platform: `${os}/${architecture}` }]);
    const world = await ImageWorld.create();
    try {
      const ref = `${registry.host}/app:1`;
      assert.deepEqual((await world.images.pull(ref, {}, quietContext)).layers.map(({ diffId }) => diffId), [first.diffId]);
      assert.deepEqual((await world.images.pull(ref, { platform: { os: 'linux', architecture: 's390x' } }, quietContext)).layers.map(({ diffId }) => diffId), [second.diffId]);
      await assert.rejects(world.images.pull(ref, { platform: { os: 'linux', architecture: 'riscv64' } }, quietContext), { code: 'PLATFORM_MISSING', status: 404, message: new RegExp(`linux/riscv64.*linux/s390x, ${os}/${architecture}`) });
    } finally {
      registry.close();
      await world.remove();
    }
  });
});
