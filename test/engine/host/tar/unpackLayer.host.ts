import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../../../engine/host/process.ts';
import { packLayer } from '../../../../engine/host/tar/packLayer.ts';
import { replayRecipe } from '../../../../engine/host/tar/recipe.ts';
import { unpackLayer } from '../../../../engine/host/tar/unpackLayer.ts';
import { baseTar } from '../../../support/base.ts';
import { inPieces, tarball } from '../../../support/tarball.ts';
import type { Member } from '../../../support/tarball.ts';

const LONG = `${'d'.repeat(120)}/${'é'.repeat(100)}/${'n'.repeat(200)}`;

describe('layers on disk', () => {
  let root: string;
  let dir: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-tar-'));
    dir = join(root, 'fs');
    await mkdir(dir);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const unpack = async (archive: Buffer): Promise<string> => {
    const { diffId, size, recipe } = await unpackLayer(inPieces(archive, 5000), dir, { replacedDir: join(root, 'replaced') });
    assert.equal(diffId, `sha256:${createHash('sha256').update(archive).digest('hex')}`);
    assert.equal(size, archive.length);
    await recipe.save(join(root, 'recipe'));
    return diffId;
  };
  const replayed = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of replayRecipe(join(root, 'recipe'), dir, join(root, 'replaced'))) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it('has owners, modes, times, links, devices, attributes and long names as the archive says, and replays it', async () => {
    const members: Member[] = [
      { path: './', type: 'directory', mode: 0o755 },
      { path: 'd', type: 'directory', mode: 0o2750, uid: 12, gid: 34, mtime: 1_500_000_000 },
      { path: 'd/setuid', content: 'x'.repeat(70_000), mode: 0o4755, uid: 1000, gid: 1001, mtime: 1_400_000_000 },
      { path: 'd/hard', type: 'hardlink', linkPath: 'd/setuid' },
      { path: 'd/soft', type: 'symlink', linkPath: '/no/where' },
      { path: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
      { path: 'pipe', type: 'fifo', mode: 0o600 },
      { path: 'ping', content: 'p', xattrs: { 'security.capability': '\x01\0\0\x02\0 \0\0\0\0\0\0\0\0\0\0\0\0\0\0', 'user.note': 'hé' } },
      { path: LONG, content: 'long' },
    ];
    const archive = tarball(members);
    await unpack(archive);
    const setuid = await lstat(join(dir, 'd/setuid'));
    assert.deepEqual([setuid.mode & 0o7777, setuid.uid, setuid.gid, setuid.mtimeMs, setuid.nlink], [0o4755, 1000, 1001, 1.4e12, 2]);
    const folder = await lstat(join(dir, 'd'));
    assert.deepEqual([folder.mode & 0o7777, folder.uid, folder.gid, folder.mtimeMs], [0o2750, 12, 34, 1.5e12]);
    assert.equal(await readlink(join(dir, 'd/soft')), '/no/where');
    assert.ok((await lstat(join(dir, 'null'))).isCharacterDevice());
    assert.ok((await lstat(join(dir, 'pipe'))).isFIFO());
    assert.equal(await readFile(join(dir, LONG), 'utf8'), 'long');
    assert.match((await run('getfattr', ['-d', '-m', '-', '--absolute-names', join(dir, 'ping')])).stdout, /security\.capability=.*\nuser\.note=/s);
    assert.ok(archive.equals(await replayed()));
  });

  it('has whiteouts and opaque folders in overlay’s form, and packs them back to OCI’s', async () => {
    await unpack(tarball([{ path: 'd', type: 'directory' }, { path: 'd/.wh..wh..opq' }, { path: 'd/new', content: 'n' }, { path: '.wh.gone' }]));
    const gone = await lstat(join(dir, 'gone'));
    assert.ok(gone.isCharacterDevice() && gone.rdev === 0);
    assert.match((await run('getfattr', ['-d', '-m', 'trusted', '--absolute-names', join(dir, 'd')])).stdout, /trusted\.overlay\.opaque="y"/);
    const { recipe, size } = await packLayer(dir);
    await recipe.save(join(root, 'recipe'));
    const packed = await replayed();
    assert.equal(packed.length, size);
    await writeFile(join(root, 'packed.tar'), packed);
    assert.deepEqual((await run('tar', ['-tf', join(root, 'packed.tar')])).stdout.trim().split('\n'), ['d/', 'd/.wh..wh..opq', 'd/new', '.wh.gone']);
  });

  it('is made in a user namespace, too: capabilities of files and marks in the form that overlay reads there; devices are left out', async () => {
    const archive = tarball([
      { path: 'd', type: 'directory', mode: 0o2750, uid: 5 },
      { path: 'd/.wh..wh..opq' },
      { path: '.wh.gone' },
      { path: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
      { path: 'ping', content: 'p', uid: 3, xattrs: { 'security.capability': '\x01\0\0\x02\0 \0\0\0\0\0\0\0\0\0\0\0\0\0\0' } },
    ]);
    await chmod(root, 0o755);
    const child = fileURLToPath(new URL('../../../support/unpackChild.ts', import.meta.url));
    await run('unshare', ['--user', '--map-root-user', process.execPath, '--disable-warning=ExperimentalWarning', child, dir], { input: archive });
    assert.deepEqual((await readdir(dir)).sort(), ['d', 'gone', 'ping']);
    assert.match((await run('getfattr', ['-d', '-m', 'user', '--absolute-names', join(dir, 'd')])).stdout, /user\.overlay\.opaque="y"/);
    assert.equal((await lstat(join(dir, 'd'))).mode & 0o7777, 0o2750);
    const gone = await lstat(join(dir, 'gone'));
    assert.ok(gone.isCharacterDevice() && gone.rdev === 0);
    assert.match((await run('getfattr', ['-d', '-m', 'security', '--absolute-names', join(dir, 'ping')])).stdout, /security\.capability=/);
  });

  it('has times before 1970, between seconds, and beyond what a file system keeps', async () => {
    await unpack(tarball([{ path: 'old', content: 'x', mtime: -86_400 }, { path: 'between', content: 'x', mtime: 1_600_000_000.25 }, { path: 'far', type: 'symlink', linkPath: 'x', mtime: 1e15 }]));
    assert.equal((await lstat(join(dir, 'old'))).mtimeMs, -86_400_000);
    assert.equal((await lstat(join(dir, 'between'))).mtimeMs, 1_600_000_000_250);
    assert.ok((await lstat(join(dir, 'far'))).mtimeMs > 4e12);
  });

  it('is mounted by the kernel as the image means it: hidden files are gone, opaque folders are empty', async () => {
    const lower = join(root, 'lower');
    const merged = join(root, 'merged');
    for (const path of ['lower/d', 'merged']) await mkdir(join(root, path), { recursive: true });
    for (const name of ['d/old', 'gone', 'stays']) await writeFile(join(lower, name), name);
    await unpack(tarball([{ path: '.wh.d' }, { path: 'd/new', content: 'n' }, { path: '.wh.gone' }]));
    await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${dir}:${lower}`, merged]);
    try {
      assert.deepEqual(await readdir(merged), ['d', 'stays']);
      assert.deepEqual(await readdir(join(merged, 'd')), ['new']);
    } finally {
      await run('umount', [merged]);
    }
  });

  it('replays an archive that names files twice, that has content in whiteouts, odd padding and bytes after its end', async () => {
    const odd = tarball([{ path: 'f', content: 'first' }, { path: 'h', type: 'hardlink', linkPath: 'f' }, { path: 'f', content: 'second, longer' }, { path: 'f', type: 'symlink', linkPath: 'h' }, { path: '.wh.x', content: 'ignored' }, { path: 'e', content: 'end' }]);
    odd.fill(0x41, odd.length - 1024 - 100, odd.length - 1024); // the padding after "end"
    const archive = Buffer.concat([odd, Buffer.alloc(9000), Buffer.from('garbage')]);
    await unpack(archive);
    assert.equal(await readFile(join(dir, 'f'), 'utf8'), 'first');
    assert.deepEqual((await readdir(dir)).sort(), ['e', 'f', 'h', 'x']);
    assert.deepEqual((await readdir(join(root, 'replaced'))).sort(), ['0', '1']);
    assert.ok(archive.equals(await replayed()));
  });

  it('keeps names that are no UTF-8', async () => {
    const raw = Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9]), Buffer.from('.txt')]);
    const archive = tarball([{ path: 'placeholder', content: 'x' }]);
    archive.fill(0, 0, 11).set(raw, 0);
    archive.fill(' ', 148, 156).write(`${archive.subarray(0, 512).reduce((total, byte) => total + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    await unpack(archive);
    assert.ok((await readdir(dir, { encoding: 'buffer' }))[0]?.equals(raw));
    assert.ok(archive.equals(await replayed()));
    const { diffId, recipe } = await packLayer(dir);
    await recipe.save(join(root, 'recipe'));
    assert.equal(`sha256:${createHash('sha256').update(await replayed()).digest('hex')}`, diffId);
  });

  it('packs the same folder to the same digest, whatever the time and the labels of SELinux, and leaves sockets out', async () => {
    await writeFile(join(dir, 'b'), 'b');
    await writeFile(join(dir, 'a'), 'a');
    await symlink('a', join(dir, 'link'));
    const server = createServer().listen(join(dir, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const first = await packLayer(dir);
    server.close();
    await rm(join(dir, 'socket'), { force: true });
    await run('touch', ['-d', '@1700000000', dir]);
    await run('setfattr', ['-n', 'security.selinux', '-v', 'u:object_r:t:s0', join(dir, 'a')]);
    assert.equal((await packLayer(dir)).diffId, first.diffId);
  });

  it('replays Debian’s base to the same digest, in seconds', async () => {
    const tar = await baseTar();
    const { diffId, recipe } = await unpackLayer(createReadStream(tar, { highWaterMark: 256 * 1024 }), dir);
    await recipe.save(join(root, 'recipe'));
    const hash = createHash('sha256');
    for await (const chunk of replayRecipe(join(root, 'recipe'), dir, join(root, 'replaced'))) hash.update(chunk);
    assert.equal(`sha256:${hash.digest('hex')}`, diffId);
    assert.equal(diffId.slice(7), (await run('sha256sum', [tar])).stdout.slice(0, 64));
    assert.ok((await lstat(join(root, 'recipe'))).size < 1024 * 1024, 'a recipe is small');
  });

  it('says that a file of the layer was changed behind its back', async () => {
    await unpack(tarball([{ path: 'f', content: 'content' }]));
    await truncate(join(dir, 'f'), 3);
    await assert.rejects(replayed(), { code: 'ARCHIVE_INVALID', message: /f is shorter/ });
  });

  it('stops when cancelled', async () => {
    const controller = new AbortController();
    const endless = async function* (): AsyncGenerator<Buffer> {
      const block = tarball([{ path: 'big', content: Buffer.alloc(1024 * 1024) }]).subarray(0, -1024);
      for (let count = 0; ; count += 1) {
        if (count === 20) controller.abort();
        await new Promise((resolve) => setImmediate(resolve));
        yield Buffer.from(block);
      }
    };
    await assert.rejects(unpackLayer(endless(), dir, { signal: controller.signal }), { name: 'AbortError' });
    assert.ok(existsSync(dir));
  });

  it('names a full disk', async () => {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]);
    try {
      await assert.rejects(unpackLayer(inPieces(tarball([{ path: 'big', content: Buffer.alloc(3 * 1024 * 1024, 1) }]), 60_000), dir), { code: 'DISK_FULL', status: 507 });
    } finally {
      await run('umount', [dir]);
    }
  });
});
