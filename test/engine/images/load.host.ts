import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { quietContext } from '../../../engine/base/context.ts';
import { run, start } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { digestHex, dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { loadChildPath } from '../../support/loadChild.ts';
import { SPARSE_FORMS, sparseTar } from '../../support/sparseFiles.ts';
import { tarball } from '../../support/tarball.ts';

const small = plainLayer(tarball([{ path: 'etc', type: 'directory' }, { path: 'etc/motd', content: 'hello' }]));
const second = plainLayer(tarball([{ path: 'etc/.wh.motd' }, { path: 'etc/issue', content: 'second' }]));

describe('loading images', () => {
  let world: ImageWorld;
  let scratch: string;
  beforeEach(async () => {
    world = await ImageWorld.create();
    scratch = await mkdtemp(join(tmpdir(), 'berth-load-'));
  });
  afterEach(async () => {
    await world.remove();
    await rm(scratch, { recursive: true, force: true });
  });

  const load = (archive: Buffer): ReturnType<typeof world.images.loadArchive> => world.images.loadArchive(Readable.from([archive], { objectMode: false }), quietContext);
  const save = async (refs: string[], path: string): Promise<void> => pipeline(await world.archives.save(refs), createWriteStream(path));

  it('takes what docker save wrote: layers unpacked once, names, configuration', async () => {
    const { archive, id } = dockerArchive({ layers: [small, second], tags: ['app:1', 'example.com:5000/team/app:2'], config: { config: { Cmd: ['true'] } } });
    const [loaded] = await load(archive);
    assert.ok(loaded);
    const { givenTags, ...image } = loaded;
    assert.equal(image.id, id);
    assert.deepEqual(givenTags, ['app:1', 'example.com:5000/team/app:2']);
    assert.deepEqual(image.repoTags, givenTags);
    assert.deepEqual(image.layers.map(({ diffId }) => diffId), [small.diffId, second.diffId]);
    assert.deepEqual(image.config.config?.Cmd, ['true']);
    assert.equal(image.size, 'hello'.length + 'second'.length);
    assert.equal(await readFile(join(world.snapshots.lowerDir(image.layers[0]?.snapshotId ?? ''), 'etc/motd'), 'utf8'), 'hello');
    assert.equal(world.images.resolve('app:1').id, id);
    await world.open();
    assert.deepEqual(world.images.resolve('app:1'), image, 'known after a restart');
  });

  for (const [name, compress] of [['gzip', gzipSync], ['zstd', zstdCompressSync]] as const) {
    it(`takes archives and layers compressed with ${name}`, async () => {
      const { archive, id } = dockerArchive({ layers: [{ ...small, bytes: compress(small.bytes) }], tags: ['app:1'] });
      assert.deepEqual((await load(compress(archive))).map((image) => image.id), [id]);
    });
  }

  it('shares layers: the second image brings only its own, and a layer that is here is not unpacked again', async () => {
    await load(dockerArchive({ layers: [small], tags: ['one:1'] }).archive);
    await load(dockerArchive({ layers: [small, second], tags: ['two:1'] }).archive);
    assert.equal(world.snapshots.list().length, 2);
    await world.images.remove('two:1');
    assert.equal(world.snapshots.list().length, 1);
    assert.equal(world.images.resolve('one:1').layers.length, 1);
    await world.images.remove('one:1');
    assert.deepEqual(await world.left(), []);
  });

  it('takes links to layers, as old archives have them, but nothing that a link finds on the host', async () => {
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [small.diffId] } }));
    const archive = (target: string): Buffer =>
      tarball([{ path: 'a/layer.tar', content: small.bytes }, { path: 'b/layer.tar', type: 'symlink', linkPath: target }, { path: 'c.json', content: config }, { path: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', RepoTags: null, Layers: ['b/layer.tar'] }]) }]);
    assert.equal((await load(archive('../a/layer.tar'))).length, 1);
    const file = join(scratch, 'layer.tar');
    await writeFile(file, small.bytes);
    await assert.rejects(load(archive(file)), { code: 'NOT_AN_IMAGE_ARCHIVE', message: /names b\/layer\.tar, which is not in it/ });
  });

  it('takes an archive that GNU tar made of sparse files: layers and documents with zeros where they have holes', async () => {
    const zeros = plainLayer(tarball([{ path: 'zeros', content: Buffer.alloc(1024 * 1024) }, { path: 'end', content: 'end' }]));
    const { archive, id } = dockerArchive({ layers: [zeros, small], tags: ['holes:1'], extra: [{ path: 'nobody-asks', content: Buffer.alloc(300_000) }] });
    await mkdir(join(scratch, 'files'));
    await run('tar', ['-x', '-C', join(scratch, 'files')], { input: archive });
    await run('cp', ['-r', '--sparse=always', join(scratch, 'files'), join(scratch, 'holes')]);
    for (const form of Object.keys(SPARSE_FORMS)) {
      await sparseTar(form, join(scratch, 'holes.tar'), '-C', join(scratch, 'holes'), '.');
      assert.ok((await stat(join(scratch, 'holes.tar'))).size < 200_000, 'it has holes');
      const [image] = await world.load(join(scratch, 'holes.tar'));
      assert.equal(image?.id, id, form);
      assert.deepEqual(await world.snapshots.verify(image.layers[0]?.snapshotId ?? ''), []);
      await world.images.remove(image.id, { force: true });
    }
    assert.deepEqual(await world.left(), []);
  });

  it('takes an OCI layout and a docker archive that skopeo made of an image saved here, and gets the same image', async () => {
    await load(dockerArchive({ layers: [small, second], tags: ['app:1'] }).archive);
    const { id } = world.images.resolve('app:1');
    await save(['app:1'], join(scratch, 'saved.tar'));
    const copy = (to: string, ...flags: string[]): Promise<unknown> => run('skopeo', ['--insecure-policy', 'copy', ...flags, `docker-archive:${join(scratch, 'saved.tar')}`, to]);
    await copy(`oci-archive:${join(scratch, 'oci.tar')}:example.com/app:oci`);
    await copy(`docker-archive:${join(scratch, 'docker.tar')}:example.com/app:docker`);
    await copy(`oci-archive:${join(scratch, 'zstd.tar')}:example.com/app:zstd`, '--dest-compress-format', 'zstd', '--dest-compress');
    await world.images.remove('app:1');
    for (const name of ['oci', 'docker', 'zstd']) {
      const [image] = await world.load(join(scratch, `${name}.tar`));
      assert.deepEqual(image?.layers.map(({ diffId }) => diffId), [small.diffId, second.diffId], name);
      assert.deepEqual(image.repoTags, [`example.com/app:${name}`]);
      await world.images.remove(image.id, { force: true });
      assert.deepEqual(await world.left(), [], name);
    }
    assert.match(id, /^sha256:/);
  });

  it('saves archives that skopeo, and it itself, read: the same bytes each time', async () => {
    await load(dockerArchive({ layers: [small], tags: ['one:1', 'one:2'] }).archive);
    await load(dockerArchive({ layers: [small, second], tags: ['two:1'] }).archive);
    const file = join(scratch, 'saved.tar');
    await save(['one', 'two:1'], file);
    await save(['one', 'two:1'], join(scratch, 'again.tar'));
    assert.ok((await readFile(file)).equals(await readFile(join(scratch, 'again.tar'))));
    const manifest = JSON.parse((await run('tar', ['-xOf', file, 'manifest.json'])).stdout) as Array<{ RepoTags: string[] }>;
    assert.deepEqual(manifest.map(({ RepoTags }) => RepoTags), [['one:1', 'one:2'], ['two:1']]);
    for (const source of [`docker-archive:${file}:two:1`, `oci-archive:${file}:2`]) assert.match((await run('skopeo', ['inspect', source])).stdout, new RegExp(small.diffId));
    const ids = world.images.list().map((image) => image.id).sort();
    for (const name of ['one:1', 'one:2', 'two:1']) await world.images.remove(name);
    assert.deepEqual(await world.left(), []);
    assert.deepEqual((await world.load(file)).map((image) => image.id).sort(), ids);
  });

  it('refuses what is no archive of images, by name, and keeps nothing', async () => {
    const cases: ReadonlyArray<readonly [string, Buffer, RegExp]> = [
      ['text', Buffer.from('x'.repeat(2000)), /is it a tar/],
      ['a root file system', tarball([{ path: 'etc', type: 'directory' }]), /neither manifest\.json nor index\.json/],
      ['a manifest that is no JSON', tarball([{ path: 'manifest.json', content: '[{' }]), /manifest\.json is not what it should be/],
      ['a layer that is missing', tarball([{ path: 'c', content: JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [small.diffId] } }) }, { path: 'manifest.json', content: '[{"Config":"c","Layers":["l.tar"]}]' }]), /names l\.tar, which is not in it/],
      ['a layer that is not what the configuration says', dockerArchive({ layers: [{ bytes: second.bytes, diffId: small.diffId }] }).archive, /not what its digest says/],
      ['a layer that climbs out', dockerArchive({ layers: [plainLayer(tarball([{ path: '../evil', content: 'x' }]))] }).archive, /"\.\.\/evil" leads out/],
      ['an archive that is cut off', dockerArchive({ layers: [small] }).archive.subarray(0, 1500), /damaged/],
      ['a bad name', dockerArchive({ layers: [small], tags: ['Upper:1'] }).archive, /lower case/],
      ['gzip that is cut off', gzipSync(dockerArchive({ layers: [small] }).archive).subarray(0, 400), /damaged/],
    ];
    for (const [name, archive, message] of cases) {
      await assert.rejects(load(archive), { message }, name);
      assert.deepEqual(await world.left(), [], name);
    }
  });

  it('refuses an OCI blob whose bytes are not its name', async () => {
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [small.diffId] } }));
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${digestHex(config)}`, size: config.length }, layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: small.diffId, size: small.bytes.length }] }));
    const index = JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${digestHex(manifest)}`, size: manifest.length }] });
    const archive = (other: Buffer): Buffer =>
      tarball([{ path: 'index.json', content: index }, { path: `blobs/sha256/${digestHex(manifest)}`, content: manifest }, { path: `blobs/sha256/${digestHex(config)}`, content: other }, { path: `blobs/${small.diffId.replace(':', '/')}`, content: small.bytes }]);
    await assert.rejects(load(archive(Buffer.from(config.toString().replace('amd64', 'arm64')))), { code: 'DIGEST_MISMATCH' });
    assert.deepEqual(await world.left(), []);
    assert.equal((await load(archive(config)))[0]?.id, `sha256:${digestHex(config)}`);
  });

  it('leaves nothing when it is cancelled', async () => {
    const controller = new AbortController();
    const slow = async function* (): AsyncGenerator<Buffer> {
      const { archive } = dockerArchive({ layers: [small, plainLayer(tarball([{ path: 'big', content: Buffer.alloc(200_000, 7) }]))] });
      for (let at = 0; at < archive.length; at += 10_000) {
        yield archive.subarray(at, at + 10_000);
        if (at > 100_000) controller.abort();
        await delay(5);
      }
    };
    await assert.rejects(world.images.loadArchive(Readable.from(slow(), { objectMode: false }), { signal: controller.signal, report: () => undefined }), { name: 'AbortError' });
    assert.deepEqual(await world.left(), []);
  });

  it('names a full disk, and leaves nothing; a smaller image still fits', async () => {
    const disk = join(scratch, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]);
    try {
      const tight = await ImageWorld.create(disk);
      const big = plainLayer(tarball([{ path: 'big', content: Buffer.alloc(8 * 1024 * 1024, 3) }]));
      const { archive } = dockerArchive({ layers: [small, big], tags: ['big:1'] });
      await assert.rejects(tight.images.loadArchive(Readable.from([archive], { objectMode: false }), quietContext), { code: 'DISK_FULL' });
      assert.deepEqual(await tight.left(), []);
      assert.equal((await tight.images.loadArchive(Readable.from([dockerArchive({ layers: [small], tags: ['small:1'] }).archive], { objectMode: false }), quietContext)).length, 1);
    } finally {
      await run('umount', [disk]);
    }
  });

  it('killed in the middle of a load, leaves a store that the next start makes clean', async () => {
    const archive = join(scratch, 'slow.tar');
    const { archive: bytes } = dockerArchive({ layers: [small, second, { bytes: gzipSync(await readFile(await baseTar()), { level: 1 }), diffId: small.diffId }], tags: ['slow:1'] });
    await writeFile(archive, bytes);
    await load(dockerArchive({ layers: [small], tags: ['kept:1'] }).archive);
    const child = start(process.execPath, [loadChildPath, world.root, archive], { stdio: 'ignore' });
    const ended = new Promise((done) => child.once('close', done));
    const snapshots = join(world.root, 'snapshots');
    while (Number.parseInt((await run('du', ['-s', snapshots], { okStatus: 'any' })).stdout, 10) < 5000) await delay(20);
    child.kill('SIGKILL');
    await ended;
    assert.ok((await readdir(snapshots)).some((name) => name.startsWith('.tmp-')), 'it was in the middle');
    await world.open();
    assert.deepEqual(world.images.list().map(({ repoTags }) => repoTags), [['kept:1']]);
    assert.deepEqual(await readdir(snapshots), [world.images.resolve('kept:1').layers[0]?.snapshotId]);
    assert.equal((await readdir(join(world.root, 'content/blobs/sha256'))).length, 2);
  });

  it('reads Debian’s base back as it was imported', async () => {
    const tar = await baseTar();
    const image = await world.archives.import(createReadStream(tar), { repo: 'debian', tag: 'bookworm', changes: ['CMD ["bash"]', 'ENV A=1 B="two words"'] }, quietContext);
    assert.deepEqual(image.repoTags, ['debian:bookworm']);
    assert.deepEqual(image.config.config, { Cmd: ['bash'], Env: ['A=1', 'B=two words'] });
    const file = join(scratch, 'debian.tar');
    await save(['debian:bookworm'], file);
    await run('tar', ['-xf', file, '-C', scratch, `blobs/${image.layers[0]?.diffId.replace(':', '/') ?? ''}`]);
    await run('cmp', [tar, join(scratch, `blobs/${image.layers[0]?.diffId.replace(':', '/') ?? ''}`)]);
    assert.ok((await stat(file)).size > image.size);
    await world.images.remove('debian:bookworm');
    assert.deepEqual(await world.left(), []);
  });

  it('a damaged file of the store is set aside and named; the other images work', async () => {
    await load(dockerArchive({ layers: [small], tags: ['one:1'] }).archive);
    await load(dockerArchive({ layers: [second], tags: ['two:1'] }).archive);
    const [{ snapshotId } = { snapshotId: '' }] = world.images.resolve('two:1').layers;
    await writeFile(join(world.root, 'snapshots', snapshotId, 'meta.json'), '{"id":');
    const said: string[] = [];
    const note = (text: string, fields?: object): void => void said.push(`${text} ${JSON.stringify(fields)}`);
    await world.open({ debug: note, info: note, warn: note, error: note });
    assert.deepEqual(world.images.list().map(({ repoTags }) => repoTags), [['one:1']]);
    assert.match(said.join('\n'), /set aside.*meta\.json/);
    assert.match(said.join('\n'), /an image cannot be used: pull or load it again.*two:1/);
    await load(dockerArchive({ layers: [second], tags: ['two:1'] }).archive);
    assert.equal(world.images.resolve('two:1').layers.length, 1);
  });

  it('a damaged index.json costs the names, not the images', async () => {
    await load(dockerArchive({ layers: [small], tags: ['one:1'] }).archive);
    const { id } = world.images.resolve('one:1');
    await writeFile(join(world.root, 'content/index.json'), 'not JSON');
    await world.open();
    assert.deepEqual(world.images.list().map((image) => [image.id, image.repoTags]), [[id, []]]);
    await world.images.tag(id, 'one:1');
    assert.equal(world.images.resolve('one:1').id, id);
  });

  it('unpacks a layer that comes by twice at once only once', async () => {
    const archive = dockerArchive({ layers: [small, second], tags: ['app:1'] }).archive;
    await Promise.all([load(archive), load(archive), load(archive)]);
    assert.equal(world.images.list().length, 1);
    assert.equal(world.snapshots.list().length, 2);
    assert.deepEqual((await readdir(join(world.root, 'snapshots'))).filter((name) => name.startsWith('.tmp-')), []);
  });

  it('skips members that are neither layers nor documents', async () => {
    const { archive, id } = dockerArchive({ layers: [small], extra: [{ path: 'VERSION', content: '1.0' }, { path: 'notes.txt', content: 'x'.repeat(5000) }, { path: 'odd.gz', content: gzipSync(Buffer.from('no tar in here')) }] });
    assert.deepEqual((await load(archive)).map((image) => image.id), [id]);
  });
});
