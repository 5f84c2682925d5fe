import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { quietContext } from '../../../engine/base/context.ts';
import type { Progress } from '../../../engine/base/context.ts';
import type { OperationContext } from '../../../engine/base/context.ts';
import { run } from '../../../engine/host/process.ts';
import { BreakingProxy } from '../../support/breakingProxy.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { TestRegistry } from '../../support/registry.ts';
import { tarball } from '../../support/tarball.ts';

const small = plainLayer(tarball([{ path: 'etc', type: 'directory' }, { path: 'etc/motd', content: 'hello' }]));
const large = plainLayer(tarball([{ path: 'data', content: randomBytes(17 * 1024 * 1024) }]));

async function load(world: ImageWorld, tag: string, layers: readonly (typeof small)[], config: object = {}): Promise<string> {
  const { archive } = dockerArchive({ layers, tags: [tag], config });
  const [image] = await world.images.loadArchive(Readable.from([archive], { objectMode: false }), quietContext);
  return image?.id ?? '';
}

function watched(): { ctx: OperationContext; statuses: () => string[] } {
  const reports: Progress[] = [];
  return { ctx: { signal: quietContext.signal, report: (one) => void reports.push(one) }, statuses: () => [...new Set(reports.map(({ status }) => status))] };
}

interface Inspected {
  readonly Digest: string;
  readonly Layers: string[];
}
async function inspect(name: string): Promise<Inspected> {
  return JSON.parse((await run('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`])).stdout) as Inspected;
}

describe('pushing to Debian’s docker-registry', () => {
  let registry: TestRegistry;
  let proxy: BreakingProxy;
  let world: ImageWorld;
  let other: ImageWorld;
  before(async () => {
    registry = await TestRegistry.start();
    proxy = await BreakingProxy.start(registry.host);
  });
  after(async () => {
    proxy.close();
    await registry.stop();
  });
  beforeEach(async () => {
    proxy.harm = () => undefined;
    proxy.seen.length = 0;
    [world, other] = await Promise.all([ImageWorld.create(), ImageWorld.create()]);
  });
  afterEach(async () => {
    await Promise.all([world.remove(), other.remove()]);
  });

  it('gives it what others pull: layers compressed, the same image; what is there is not sent again', async () => {
    const ref = `${registry.host}/made/app:1`;
    const id = await load(world, ref, [small]);
    const first = watched();
    const pushed = await world.remote.push(ref, {}, first.ctx);
    assert.deepEqual(first.statuses(), ['Preparing', 'Pushing', 'Pushed']);
    const seen = await inspect(ref);
    assert.equal(seen.Digest, pushed.digest);
    assert.notEqual(seen.Layers[0], small.diffId, 'compressed');
    assert.equal((await other.images.pull(ref, {}, quietContext)).id, id);
    const again = watched();
    assert.deepEqual(await world.remote.push(ref, {}, again.ctx), pushed);
    assert.deepEqual(again.statuses(), ['Preparing', 'Layer already exists']);
    assert.deepEqual(world.images.resolve(ref).repoDigests, [`${registry.host}/made/app@${pushed.digest}`]);
    assert.equal(world.images.resolve(`${registry.host}/made/app@${pushed.digest}`).id, id);
  });

  it('a pulled image keeps its digest: the registry lends its layers from the repository they came from', async () => {
    const archive = join(world.root, 'image.tar');
    await writeFile(archive, dockerArchive({ layers: [small], tags: ['x'] }).archive);
    await registry.push(`docker-archive:${archive}`, 'from/app:1');
    const image = await world.images.pull(`${registry.host}/from/app:1`, {}, quietContext);
    await world.images.tag(image.id, `${registry.host}/to/app:1`);
    const { ctx, statuses } = watched();
    const { digest } = await world.remote.push(`${registry.host}/to/app:1`, {}, ctx);
    assert.deepEqual(statuses(), ['Preparing', 'Mounted from from/app']);
    assert.equal(digest, (await inspect(`${registry.host}/from/app:1`)).Digest);
  });

  it('to another registry its layers go as they are in the first; when that is gone they are compressed anew, and the id stays', async () => {
    const source = await TestRegistry.start();
    const archive = join(world.root, 'image.tar');
    await writeFile(archive, dockerArchive({ layers: [small, large], tags: ['x'] }).archive);
    let digest = '';
    try {
      await source.push(`docker-archive:${archive}`, 'app:zstd', ['--dest-compress-format', 'zstd', '--format', 'oci']);
      const image = await world.images.pull(`${source.host}/app:zstd`, {}, quietContext);
      digest = (await inspect(`${source.host}/app:zstd`)).Digest;
      await world.images.tag(image.id, `${registry.host}/copied/app:1`);
      assert.equal((await world.remote.push(`${registry.host}/copied/app:1`, {}, quietContext)).digest, digest);
    } finally {
      await source.stop();
    }
    const target = await TestRegistry.start();
    try {
      const ref = `${target.host}/anew:1`;
      await world.images.tag(`${registry.host}/copied/app:1`, ref);
      proxy.harm = () => ({ status: 404 });
      const { id } = world.images.resolve(ref);
      await registry.stop(); // no source is left
      const pushed = await world.remote.push(ref, {}, quietContext);
      assert.notEqual(pushed.digest, digest);
      assert.equal((await other.images.pull(ref, {}, quietContext)).id, id);
      assert.deepEqual(await world.remote.push(ref, {}, quietContext), pushed, 'the same again');
    } finally {
      await target.stop();
      registry = await TestRegistry.start();
      proxy.close();
      proxy = await BreakingProxy.start(registry.host);
    }
  });

  it('goes in chunks, and on where a connection broke; a busy registry is asked again when it says', async () => {
    const ref = `${proxy.host}/big:1`;
    const id = await load(world, ref, [large]);
    let busy = 2;
    let breaks = 2;
    proxy.harm = ({ method }) => {
      if (method === 'POST' && busy-- > 0) return { status: 429, headers: { 'Retry-After': '0' } };
      if (method === 'PATCH' && breaks-- > 0) return { breakBodyAfter: 3_000_000 };
      return undefined;
    };
    await world.remote.push(ref, {}, quietContext);
    const sent = proxy.seen.filter(({ method }) => method === 'PATCH').reduce((sum, { received }) => sum + received, 0);
    assert.ok(sent >= large.bytes.length && sent < large.bytes.length * 1.5, `${sent} bytes were sent of ${large.bytes.length}`);
    assert.ok(proxy.count('PATCH', /uploads/) > 3);
    assert.equal((await other.images.pull(ref, {}, quietContext)).id, id);
  });

  it('when it is cancelled or refused, the registry has no tag of it, and nothing here changed', async () => {
    const ref = `${proxy.host}/never:1`;
    await load(world, ref, [large]);
    const controller = new AbortController();
    proxy.harm = ({ method }) => (method === 'PATCH' && setTimeout(() => controller.abort(), 20) ? undefined : undefined);
    await assert.rejects(world.remote.push(ref, {}, { signal: controller.signal, report: () => undefined }), { name: 'AbortError' });
    proxy.harm = ({ method }) => (method === 'PUT' ? { status: 400 } : undefined);
    await assert.rejects(world.remote.push(ref, {}, quietContext), { code: 'REGISTRY_REFUSED', message: /status 400: refused by the test/ });
    proxy.harm = () => undefined;
    await assert.rejects(inspect(ref), /manifest unknown|not found|name unknown/i);
    assert.deepEqual(world.images.resolve(ref).repoDigests, []);
  });

  it('images of several platforms go under one name, as an index', async () => {
    const arm = await load(world, 'app:arm', [small], { architecture: 'arm64', variant: 'v8' });
    const amd = await load(world, 'app:amd', [large], { architecture: 'amd64' });
    const name = `${registry.host}/multi/app:1`;
    const { digest } = await world.remote.pushIndex(name, ['app:arm', 'app:amd'], {}, quietContext);
    const raw = JSON.parse((await run('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${name}`])).stdout) as { manifests: Array<{ platform: object }> };
    assert.deepEqual(raw.manifests.map(({ platform }) => platform), [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, { os: 'linux', architecture: 'amd64' }]);
    const pulled = await other.images.pull(name, { platform: { os: 'linux', architecture: 'arm64' } }, quietContext);
    assert.equal(pulled.id, arm);
    assert.deepEqual(pulled.repoDigests, [`${registry.host}/multi/app@${digest}`]);
    assert.equal((await other.images.pull(name, { platform: { os: 'linux', architecture: 'amd64' } }, quietContext)).id, amd);
    await assert.rejects(world.remote.pushIndex(name, ['app:arm', 'app:arm'], {}, quietContext), { code: 'BAD_REQUEST', message: /linux\/arm64\/v8/ });
  });

  it('its tags and repositories are listed, however long the list', async () => {
    await load(world, `${registry.host}/many/app:0`, [small]);
    for (let count = 0; count < 5; count += 1) {
      await world.images.tag(`${registry.host}/many/app:0`, `${registry.host}/many/app:${count}`);
      await world.remote.push(`${registry.host}/many/app:${count}`, {}, quietContext);
    }
    assert.deepEqual((await world.remote.tags(`${registry.host}/many/app`, undefined, quietContext.signal)).sort(), ['0', '1', '2', '3', '4']);
    assert.deepEqual((await world.remote.search(`${registry.host}/many`, 10, undefined, quietContext.signal)).map(({ name }) => name), [`${registry.host}/many/app`]);
    await assert.rejects(world.remote.tags(`${registry.host}/no/such`, undefined, quietContext.signal), { code: 'REGISTRY_IMAGE_UNKNOWN' });
  });
});
