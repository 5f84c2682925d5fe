import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { digestOf } from '../../../engine/content/digest.ts';
import { run } from '../../../engine/host/process.ts';
import { BuildWorld } from '../../support/buildWorld.ts';

describe('named contexts of a build', () => {
  let world: BuildWorld;
  let server: Server;

  before(async () => {
    world = await BuildWorld.create('named');
    server = createServer((request, response) => {
      if (request.url === '/text') return void response.end('no archive');
      readFile(join(world.root, 'served.tar.gz')).then((data) => response.end(data), () => response.writeHead(404).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    server.close();
    await world.remove();
  });
  afterEach(async () => assert.deepEqual(await world.leftovers(), []));

  const directory = async (name: string, files: Readonly<Record<string, string>>): Promise<{ kind: 'directory'; path: string }> => ({ kind: 'directory', path: await world.write(name, files) });

  it('a folder is read by COPY --from, RUN --mount and FROM, without what its own .dockerignore leaves out', async () => {
    const lib = await directory('lib', { 'a.txt': 'of the library', 'secret.env': 'no', '.dockerignore': '*.env\n' });
    await world.write('folder', {
      'a.txt': 'of the context',
      Dockerfile: ['FROM debian', 'COPY --from=lib a.txt /copied', 'COPY a.txt /own', 'RUN --mount=from=lib,target=/m cat /m/a.txt > /mounted && ls /m > /listed', 'RUN --mount=type=cache,from=lib,target=/c cat /c/a.txt > /cached', 'FROM lib AS files', ''].join('\n'),
    });
    const contexts = { lib };
    await world.build('folder', { contexts, tags: ['folder'], target: '0' });
    assert.deepEqual(await Promise.all(['copied', 'own', 'mounted', 'listed', 'cached'].map((path) => world.readFile('folder', path))), ['of the library', 'of the context', 'of the library', 'a.txt\n', 'of the library']);
    await world.build('folder', { contexts, tags: ['files'] });
    const { config, layers } = await world.resolve('files');
    assert.equal(await world.readFile('files', 'a.txt'), 'of the library');
    assert.equal(config.history?.filter((entry) => entry.empty_layer !== true).length, layers.length);
    await assert.rejects(world.readFile('files', 'secret.env'));
  });

  it('is not read again when nothing changed, and only the steps that use it are done when it did', async () => {
    const lib = await directory('again', { a: '1' });
    await world.write('using', { Dockerfile: 'FROM debian\nRUN echo one\nCOPY --from=lib a /a\nRUN cat /a > /b\n' });
    await world.build('using', { contexts: { lib } });
    assert.deepEqual((await world.build('using', { contexts: { lib } })).ran(), []);
    await world.write('again', { a: '2' });
    assert.deepEqual((await world.build('using', { contexts: { lib }, tags: ['using'] })).ran(), ['COPY --from=lib a /a', 'RUN cat /a > /b']);
    assert.equal(await world.readFile('using', 'b'), '2');
  });

  it('stands in for a stage and for an image of that name, whatever its tag is called', async () => {
    const files = await directory('instead', { made: 'by hand' });
    await world.write('stage', { Dockerfile: 'FROM debian AS make\nRUN exit 1\nFROM scratch\nCOPY --from=make made /made\n' });
    await world.build('stage', { contexts: { make: files }, tags: ['stage'] });
    assert.equal(await world.readFile('stage', 'made'), 'by hand');
    await world.write('other', { Dockerfile: 'FROM debian\nRUN echo other > /which\n' });
    await world.build('other', { tags: ['other'] });
    await world.write('image', { Dockerfile: 'FROM docker.io/library/missing:latest\nRUN cat /which > /seen\n' });
    await world.build('image', { contexts: { missing: { kind: 'image', ref: 'other' } }, tags: ['image'] });
    assert.equal(await world.readFile('image', 'seen'), 'other\n');
  });

  it('an archive is fetched', async () => {
    const folder = await world.write('packed', { 'sub/f': 'of the archive' });
    await run('tar', ['-czf', join(world.root, 'served.tar.gz'), '-C', folder, '.']);
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await world.write('fetched', { Dockerfile: 'FROM scratch\nCOPY --from=far sub/f /f\n' });
    await world.build('fetched', { contexts: { far: { kind: 'http', url: `${address}/x.tar.gz` } }, tags: ['fetched'] });
    assert.equal(await world.readFile('fetched', 'f'), 'of the archive');
    await assert.rejects(world.build('fetched', { contexts: { far: { kind: 'http', url: `${address}/text` } } }), { code: 'BUILD_CONTEXT_INVALID', message: /--build-context far: .*no archive/ });
    await assert.rejects(world.build('fetched', { contexts: { far: { kind: 'directory', path: '/nowhere/at/all' } } }), { code: 'BUILD_CONTEXT_INVALID', message: /--build-context far: \/nowhere\/at\/all does not exist/ });
  });

  it('an image of an OCI layout, by tag and by digest, is built upon without a registry', async () => {
    const layout = await writeLayout(join(world.root, 'layout'), 'v1', 'in the layout');
    await world.write('upon', { Dockerfile: 'FROM base\nCOPY more /more\n', more: 'added' });
    await world.build('upon', { contexts: { base: { kind: 'oci-layout', path: layout.path, ref: 'v1' } }, tags: ['upon'] });
    assert.deepEqual([await world.readFile('upon', 'hello'), await world.readFile('upon', 'more'), (await world.resolve('upon')).config.config?.Env?.includes('L=1')], ['in the layout', 'added', true]);
    assert.deepEqual((await world.build('upon', { contexts: { base: { kind: 'oci-layout', path: layout.path, ref: layout.digest } } })).ran(), []);
    await assert.rejects(world.build('upon', { contexts: { base: { kind: 'oci-layout', path: layout.path, ref: 'v2' } } }), { code: 'BUILD_CONTEXT_INVALID', message: /has no image v2/ });
  });

  it('one that no stage needs is not opened', async () => {
    await world.write('unused', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
    await world.build('unused', { contexts: { nobody: { kind: 'http', url: 'http://127.0.0.1:1/x.tar' } } });
  });
});

/** A layout with one image of one layer, as any OCI tool writes it. */
async function writeLayout(path: string, tag: string, text: string): Promise<{ readonly path: string; readonly digest: string }> {
  const blobs = join(path, 'blobs/sha256');
  await mkdir(join(path, 'files'), { recursive: true });
  await mkdir(blobs, { recursive: true });
  await writeFile(join(path, 'files/hello'), text);
  await run('tar', ['-cf', join(path, 'layer.tar'), '-C', join(path, 'files'), 'hello']);
  const put = async (data: Buffer): Promise<{ digest: string; size: number }> => {
    const digest = digestOf(data);
    await writeFile(join(blobs, digest.slice(7)), data);
    return { digest, size: data.length };
  };
  const layer = await put(await readFile(join(path, 'layer.tar')));
  const config = await put(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Env: ['L=1'] }, rootfs: { type: 'layers', diff_ids: [layer.digest] } })));
  const manifest = await put(Buffer.from(JSON.stringify({ schemaVersion: 2, config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config }, layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }] })));
  await writeFile(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations: { 'org.opencontainers.image.ref.name': tag } }] }));
  return { path, digest: manifest.digest };
}
