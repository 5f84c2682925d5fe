import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { quietContext } from '../../../engine/base/context.ts';
import { diffImages } from '../../../engine/images/diffImages.ts';
import type { ImageRecord } from '../../../engine/images/imageRecord.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { bytesOnDisk, SPARSE_FORMS, sparseMember } from '../../support/sparseFiles.ts';
import { tarball } from '../../support/tarball.ts';
import type { Member } from '../../support/tarball.ts';

const status = (packages: Readonly<Record<string, string>>): string => Object.entries(packages).map(([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`).join('\n');

const base: Member[] = [
  { path: 'etc', type: 'directory' },
  { path: 'etc/same', content: 'same' },
  { path: 'etc/motd', content: 'hello' },
  { path: 'etc/mode', content: 'm' },
  { path: 'etc/link', type: 'symlink', linkPath: 'motd' },
  { path: 'old', type: 'directory' },
  { path: 'old/a', content: 'a' },
  { path: 'gone', content: 'gone' },
  { path: 'var/lib/dpkg/status', content: `${status({ libc6: '2.36', curl: '7.88', nano: '7.2' })}\nPackage: left\nStatus: deinstall ok config-files\nVersion: 1\n` },
];

describe('what differs between two images', () => {
  let world: ImageWorld;
  before(async () => {
    world = await ImageWorld.create();
  });
  after(() => world.remove());

  const load = async (layers: ReadonlyArray<ReadonlyArray<Member>>): Promise<ImageRecord> => {
    const { archive } = dockerArchive({ layers: layers.map((members) => plainLayer(tarball(members))) });
    const [image] = await world.images.loadArchive(Readable.from([archive], { objectMode: false }), quietContext);
    assert.ok(image);
    return image;
  };

  it('are files, whatever layer they are of, and packages; not times', async () => {
    const from = await load([base]);
    const to = await load([
      base,
      [{ path: 'etc/same', content: 'same', mtime: 5 }, { path: 'etc/motd', content: 'hullo' }, { path: 'etc/mode', content: 'm', mode: 0o600, uid: 7 }, { path: 'etc/link', type: 'symlink', linkPath: 'mode' }, { path: '.wh.gone' }],
      [{ path: 'old', type: 'directory' }, { path: 'old/.wh..wh..opq' }, { path: 'old/b', content: 'bb' }, { path: 'var/lib/dpkg/status', content: status({ libc6: '2.36', curl: '7.89', vim: '9' }) }],
    ]);
    const diff = await diffImages(world.snapshots, from, to, quietContext.signal);
    assert.deepEqual(diff.added, [{ path: '/old/b', size: 2 }]);
    assert.deepEqual(diff.removed.map(({ path }) => path), ['/gone', '/old/a']);
    assert.deepEqual(diff.changed, [
      { path: '/etc/link', what: ['target'] },
      { path: '/etc/mode', what: ['mode', 'owner'] },
      { path: '/etc/motd', what: ['content'] },
      { path: '/var/lib/dpkg/status', what: ['content'] },
    ]);
    assert.deepEqual(diff.packages, { added: [{ name: 'vim', version: '9' }], removed: [{ name: 'nano', version: '7.2' }], changed: [{ name: 'curl', from: '7.88', to: '7.89' }] });
    const nothing = { added: [], removed: [], changed: [], packages: { added: [], removed: [], changed: [] } };
    assert.deepEqual(await diffImages(world.snapshots, to, to, quietContext.signal), nothing);
    const flat = await load([base.map((member) => ({ ...member, mtime: 9 }))]);
    assert.deepEqual(await diffImages(world.snapshots, from, flat, quietContext.signal), nothing);
  });

  it('sparse files are the same files, in whatever form their archive has them, and their layers verify', async () => {
    const segments = [{ at: 70_000, length: 3 }, { at: 2_000_000, length: 3 }];
    const data = Buffer.from('onetwo');
    const plain = Buffer.alloc(3_000_000);
    for (const [index, { at, length }] of segments.entries()) data.copy(plain, at, index * 3, index * 3 + length);
    const from = await load([[{ path: 'disk.img', content: plain }]]);
    for (const form of Object.keys(SPARSE_FORMS)) {
      const layer = plainLayer(tarball([sparseMember(form, 'disk.img', { size: plain.length, segments, data }), sparseMember(form, 'new', { size: 10 ** 9, segments: [], data: Buffer.alloc(0) })]));
      const [image] = await world.images.loadArchive(Readable.from([dockerArchive({ layers: [layer] }).archive], { objectMode: false }), quietContext);
      assert.ok(image);
      const { changed, added } = await diffImages(world.snapshots, from, image, quietContext.signal);
      assert.deepEqual({ changed, added }, { changed: [], added: [{ path: '/new', size: 10 ** 9 }] }, form);
      assert.deepEqual(await world.snapshots.verify(image.layers[0]?.snapshotId ?? ''), [], form);
      assert.ok((await bytesOnDisk(join(world.snapshots.lowerDir(image.layers[0]?.snapshotId ?? ''), 'disk.img'))) < 1_000_000, form);
      assert.equal(image.size, plain.length + 10 ** 9, 'as Docker counts');
    }
  });

  it('can be cancelled in the middle of a file that is larger than any disk', async () => {
    const huge = async (): Promise<ImageRecord> => {
      const layer = plainLayer(tarball([sparseMember('PAX 1.0', 'huge', { size: 2 ** 40, segments: [], data: Buffer.alloc(0) }), { path: randomUUID(), content: '' }]));
      const [image] = await world.images.loadArchive(Readable.from([dockerArchive({ layers: [layer] }).archive], { objectMode: false }), quietContext);
      return image ?? assert.fail();
    };
    await assert.rejects(diffImages(world.snapshots, await huge(), await huge(), AbortSignal.timeout(100)), { name: 'TimeoutError' });
  });

  it('packages of RPM count, and of those that are there in several versions each', async () => {
    const database = gunzipSync(readFileSync(resolve(import.meta.dirname, '../../fixtures/rpm/rpmdb.sqlite.gz')));
    const from = await load([[{ path: 'var/lib/dpkg/status', content: `${status({ kernel: '6.1' })}\n${status({ kernel: '6.0' })}` }]]);
    const to = await load([[{ path: 'usr/lib/sysimage/rpm/rpmdb.sqlite', content: database }, { path: 'var/lib/dpkg/status', content: `${status({ kernel: '6.1' })}\n${status({ kernel: '6.2' })}` }]]);
    const { packages } = await diffImages(world.snapshots, from, to, quietContext.signal);
    assert.deepEqual(packages, { added: [{ name: 'berthtest', version: '4:1.2-3' }], removed: [], changed: [{ name: 'kernel', from: '6.0, 6.1', to: '6.1, 6.2' }] });
  });

  it('a folder that becomes a link takes what was in it along; Alpine’s packages count too', async () => {
    const from = await load([[{ path: 'd', type: 'directory' }, { path: 'd/x', content: 'x' }, { path: 'lib/apk/db/installed', content: 'P:musl\nV:1.2\n\nP:zlib\nV:1.3\n' }]]);
    const to = await load([[{ path: 'd', type: 'directory' }, { path: 'd/x', content: 'x' }, { path: 'lib/apk/db/installed', content: 'P:musl\nV:1.2\n\nP:zlib\nV:1.3\n' }], [{ path: 'd', type: 'symlink', linkPath: '/' }, { path: 'lib/apk/db/installed', content: 'P:musl\nV:1.4\n' }]]);
    const diff = await diffImages(world.snapshots, from, to, quietContext.signal);
    assert.deepEqual([diff.removed.map(({ path }) => path), diff.changed[0]], [['/d/x'], { path: '/d', what: ['type'] }]);
    assert.deepEqual(diff.packages, { added: [], removed: [{ name: 'zlib', version: '1.3' }], changed: [{ name: 'musl', from: '1.2', to: '1.4' }] });
  });
});
