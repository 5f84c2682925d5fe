import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { decompressed } from '../../../../engine/host/tar/decompress.ts';
import { unpackLayer } from '../../../../engine/host/tar/unpackLayer.ts';
import { run } from '../../../../engine/host/process.ts';
import { sparseMember } from '../../../support/sparseFiles.ts';
import { inPieces, member, patchedHeader, paxRecord, tarball } from '../../../support/tarball.ts';
import type { Member } from '../../../support/tarball.ts';

/** A header with some of its bytes written over, and its checksum right again. */
const patched = (base: Member, changes: ReadonlyArray<readonly [at: number, bytes: string | Buffer]>): Buffer => patchedHeader(member(base), changes);

/** An extended header before a member: `x` (PAX) with these records, `L` or `K` (GNU) with this text. */
function extended(flag: 'x' | 'L' | 'K', body: string, size = Buffer.byteLength(body)): Buffer {
  const content = Buffer.from(body.padEnd(Math.ceil(body.length / 512) * 512, '\0'));
  return Buffer.concat([patched({ path: 'extended' }, [[124, `${size.toString(8).padStart(11, '0')}\0`], [156, flag]]), content]);
}

const file = (path: string, content = 'evil'): Member => ({ path, content });
const link = (path: string, linkPath: string): Member => ({ path, type: 'symlink', linkPath });
const hard = (path: string, linkPath: string): Member => ({ path, type: 'hardlink', linkPath });
const folder = (path: string): Member => ({ path, type: 'directory' });

interface Case {
  readonly name: string;
  /** `outside`: an absolute path that must not be touched, a folder with the file `victim`. */
  readonly archive: (outside: string) => Buffer;
  /** Code of the refusal; none: harmless. */
  readonly refused?: RegExp;
  /** What is inside, when it is harmless. */
  readonly inside?: readonly string[];
}

const ESCAPES = /^ARCHIVE_ESCAPES$/;
const REFUSED = /^ARCHIVE_(ESCAPES|UNSUPPORTED)$/;
const INVALID = /^ARCHIVE_INVALID$/;

const cases: readonly Case[] = [
  { name: 'an absolute path', archive: (outside) => tarball([file(`${outside}/evil`)]), inside: ['evil'] },
  { name: '.. at the beginning', archive: () => tarball([file('../outside/evil')]), refused: ESCAPES },
  { name: '.. in the middle', archive: () => tarball([folder('a'), file('a/../../outside/evil')]), refused: ESCAPES },
  { name: '.. that stays within', archive: () => tarball([file('a/../b')]), refused: ESCAPES },
  { name: '.. as a folder with other rights', archive: () => tarball([{ ...folder('..'), mode: 0o777 }]), refused: ESCAPES },
  { name: '.. as a link', archive: () => tarball([link('..', '/')]), refused: ESCAPES },
  { name: 'a file through an absolute link', archive: (outside) => tarball([link('l', outside), file('l/evil')]), refused: ESCAPES },
  { name: 'a file through a relative link', archive: () => tarball([link('l', '../outside'), file('l/evil')]), refused: ESCAPES },
  { name: 'a file through a link of a link', archive: (outside) => tarball([link('a', outside), link('b', 'a'), file('b/evil')]), refused: ESCAPES },
  { name: 'a file through a link to a folder within', archive: () => tarball([folder('d'), link('l', 'd'), file('l/evil')]), refused: ESCAPES },
  { name: 'a folder through a link', archive: (outside) => tarball([link('l', outside), folder('l/evil')]), refused: ESCAPES },
  { name: 'a link through a link', archive: (outside) => tarball([link('l', outside), link('l/evil', '/etc/passwd')]), refused: ESCAPES },
  { name: 'a folder’s rights through a link', archive: (outside) => tarball([link('l', outside), { ...folder('l'), mode: 0o777 }]), inside: ['l'] },
  { name: 'a file over a link to a file', archive: (outside) => tarball([link('l', `${outside}/victim`), file('l')]), inside: ['l'] },
  { name: 'a file over a link to a folder', archive: (outside) => tarball([link('l', outside), file('l')]), inside: ['l'] },
  { name: 'a folder that becomes a link', archive: (outside) => tarball([folder('d'), link('d', outside), file('d/evil')]), refused: ESCAPES },
  { name: 'a filled folder that becomes a link', archive: (outside) => tarball([folder('d'), file('d/x'), link('d', outside), file('d/evil')]), refused: REFUSED },
  { name: 'a loop of links', archive: () => tarball([link('a', 'b'), link('b', 'a'), file('a/evil')]), refused: ESCAPES },
  { name: 'a hard link to an absolute path', archive: (outside) => tarball([hard('h', `${outside}/victim`)]), refused: REFUSED },
  { name: 'a hard link with ..', archive: () => tarball([hard('h', '../outside/victim'), file('h')]), refused: ESCAPES },
  { name: 'a hard link through a link', archive: (outside) => tarball([link('l', outside), hard('h', 'l/victim')]), refused: REFUSED },
  { name: 'a file over a hard link to a link that leads out', archive: (outside) => tarball([link('l', `${outside}/victim`), hard('h', 'l'), file('h')]), inside: ['h', 'l'] },
  { name: 'a hard link to itself', archive: () => tarball([file('f'), hard('f', 'f')]), inside: ['f'] },
  { name: 'a hard link to a folder', archive: () => tarball([folder('d'), hard('h', 'd')]), refused: REFUSED },
  { name: 'a hard link to nothing', archive: () => tarball([hard('h', 'nothing')]), refused: REFUSED },
  { name: 'a file over a block device', archive: () => tarball([{ path: 'disk', type: 'block', deviceMajor: 8, deviceMinor: 0 }, file('disk')]), inside: ['disk'] },
  { name: 'a file over a fifo, on which a writer would wait', archive: () => tarball([{ path: 'pipe', type: 'fifo' }, file('pipe')]), inside: ['pipe'] },
  { name: 'a file over a hard link to a fifo', archive: () => tarball([{ path: 'pipe', type: 'fifo' }, hard('h', 'pipe'), file('h')]), inside: ['h', 'pipe'] },
  { name: 'a whiteout of the folder itself', archive: () => tarball([folder('d'), file('d/.wh..', '')]), refused: ESCAPES },
  { name: 'a whiteout of the folder above', archive: () => tarball([folder('d'), file('d/.wh...', '')]), refused: ESCAPES },
  { name: 'a whiteout through a link', archive: (outside) => tarball([link('l', outside), file('l/.wh.victim', '')]), refused: ESCAPES },
  { name: 'an opaque mark through a link', archive: (outside) => tarball([link('l', outside), file('l/.wh..wh..opq', '')]), refused: ESCAPES },
  { name: 'the root as a link', archive: (outside) => tarball([link('./', outside), file('evil')]), refused: REFUSED },
  { name: 'the root as a file', archive: () => tarball([file('.')]), refused: REFUSED },
  { name: '.. in a PAX header', archive: () => tarball([extended('x', paxRecord('path', '../outside/evil')), file('innocent')]), refused: ESCAPES },
  { name: '.. in a GNU long name', archive: () => tarball([extended('L', '../outside/evil\0'), file('innocent')]), refused: ESCAPES },
  { name: 'a hard link that a PAX header leads out', archive: () => tarball([extended('x', paxRecord('linkpath', '../outside/victim')), file('f'), hard('h', 'f')]), inside: ['f', 'h'] },
  { name: 'a hard link whose PAX header leads out', archive: () => tarball([file('f'), extended('x', paxRecord('linkpath', '../outside/victim')), hard('h', 'f')]), refused: ESCAPES },
  { name: 'a NUL within a name', archive: () => tarball([extended('x', paxRecord('path', 'innocent\0/../../outside/evil')), file('innocent')]), refused: ESCAPES },
  { name: 'attributes that are overlay’s own', archive: () => tarball([{ ...folder('d'), xattrs: { 'trusted.overlay.redirect': '/etc', 'trusted.overlay.opaque': 'y', 'trusted.overlay.metacopy': '' } }]), inside: ['d'] },
  { name: 'a device that is overlay’s whiteout', archive: () => tarball([{ path: 'gone', type: 'character', deviceMajor: 0, deviceMinor: 0 }]), inside: ['gone'] },
  { name: 'names that are options of tar', archive: () => tarball([file('--checkpoint-action=exec=sh'), file('--to-command=sh'), file('-C..')]), inside: ['--checkpoint-action=exec=sh', '--to-command=sh', '-C..'] },
  { name: 'a name with line breaks', archive: () => tarball([file('a\nb\r\tc')]), inside: ['a\nb\r\tc'] },
  { name: 'the name of our own folder of replaced files', archive: () => tarball([folder('.replaced-0000'), file('f', '1'), file('f', '2')]), inside: ['.replaced-0000', 'f'] },
  { name: 'a file that is given two thousand times', archive: () => tarball(Array.from({ length: 2000 }, (_one, at) => file('f', String(at)))), inside: ['f'] },
  { name: 'a name longer than Linux allows', archive: () => tarball([file('a/'.repeat(3000) + 'f')]), refused: REFUSED },
  { name: 'a component longer than Linux allows', archive: () => tarball([file('n'.repeat(300))]), refused: REFUSED },
  { name: 'a link to a path longer than Linux allows', archive: () => tarball([link('l', 'x'.repeat(5000))]), refused: REFUSED },
  { name: 'a volume header, which tar would follow', archive: () => tarball([patched({ path: 'v' }, [[156, 'V']])]), refused: REFUSED },
  { name: 'a continuation of another volume', archive: () => tarball([patched({ path: 'm' }, [[156, 'M']])]), refused: REFUSED },
  { name: 'a sparse file of a terabyte of holes', archive: () => tarball([sparseMember('PAX 1.0', 's', { size: 2 ** 40, segments: [], data: Buffer.alloc(0) })]), inside: ['s'] },
  { name: 'a sparse file whose name leads out', archive: () => tarball([sparseMember('PAX 0.1', '../outside/evil', { size: 4, segments: [{ at: 0, length: 4 }], data: Buffer.from('evil') })]), refused: ESCAPES },
  { name: 'a sparse file through a link', archive: (outside) => tarball([link('l', outside), sparseMember('old GNU', 'l/victim', { size: 4, segments: [{ at: 0, length: 4 }], data: Buffer.from('evil') })]), refused: ESCAPES },
  { name: 'a sparse file of somebody else’s form', archive: () => tarball([patched({ path: 's' }, [[156, 'S']])]), refused: REFUSED },
  { name: 'a header whose checksum is wrong', archive: () => tarball([file('f', '')]).fill('x', 0, 1), refused: INVALID },
  { name: 'a size below zero', archive: () => tarball([patched({ path: 'f' }, [[124, Buffer.from('ffffffffffffffffffffff80', 'hex')]])]), refused: INVALID },
  { name: 'a size beyond all disks', archive: () => tarball([patched({ path: 'f' }, [[124, Buffer.from('80000000001fffffffffffff', 'hex')]])]), refused: /^(DISK_FULL|ARCHIVE_INVALID)$/ },
  { name: 'a size that is no number', archive: () => tarball([extended('x', paxRecord('size', 'many')), file('f')]), refused: INVALID },
  { name: 'an end within a file', archive: () => tarball([file('f', 'x'.repeat(5000))]).subarray(0, 2000), refused: INVALID },
  { name: 'an end within a header', archive: () => tarball([file('f')]).subarray(0, 300), refused: INVALID },
  { name: 'a PAX record that is longer than its header', archive: () => tarball([extended('x', '999 path=x\n'), file('f')]), refused: INVALID },
  { name: 'a PAX header of two megabytes', archive: () => tarball([extended('x', paxRecord('comment', 'x'.repeat(2_000_000))), file('f')]), refused: REFUSED },
  { name: 'an extended header with nothing after it', archive: () => extended('x', paxRecord('path', 'f')), refused: INVALID },
];

/** Everything about a folder and what is in it that an archive could change. */
async function stateOf(path: string): Promise<unknown> {
  const { mode, uid, gid, mtimeMs, size, nlink } = await lstat(path);
  const own = { mode, uid, gid, mtimeMs, size, nlink };
  if ((mode & 0o170000) === 0o040000) return { ...own, items: await Promise.all((await readdir(path)).sort().map(async (name) => ({ name, state: await stateOf(join(path, name)) }))) };
  return { ...own, content: (mode & 0o170000) === 0o120000 ? await readlink(path) : await readFile(path, 'utf8') };
}

describe(`${cases.length} hostile archives, and bombs`, () => {
  let root: string;
  let dir: string;
  let outside: string;
  beforeEach(async () => {
    root = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'berth-hostile-'));
    dir = join(root, 'fs');
    outside = join(root, 'outside');
    for (const path of [dir, outside]) await mkdir(path);
    await writeFile(join(outside, 'victim'), 'untouched', { mode: 0o600 });
    await symlink('victim', join(outside, 'link'));
    await utimes(outside, 1e9, 1e9);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  for (const { name, archive, refused, inside = [] } of cases) {
    it(`${name}: ${refused ? 'refused' : 'harmless'}`, async () => {
      const before = await stateOf(outside);
      const unpacking = unpackLayer(inPieces(archive(outside), 10_000), dir, { replacedDir: join(root, 'replaced') });
      if (refused) await assert.rejects(unpacking, (error: Error & { code: string }) => refused.test(error.code) || assert.fail(`${error.code}: ${error.message}`));
      else await unpacking;
      assert.deepEqual(await stateOf(outside), before, 'outside');
      assert.deepEqual((await readdir(root)).filter((one) => one !== 'replaced').sort(), ['fs', 'outside']);
      if (!refused) {
        const found = (await readdir(dir, { recursive: true })).filter((one) => inside.includes(one.split('/').at(-1) ?? ''));
        assert.equal(found.length >= inside.length, true, `${inside.join()} of ${found.join()}`);
        const attributes = (await run('getfattr', ['-R', '-d', '-m', 'overlay', '--absolute-names', dir])).stdout;
        assert.equal(/redirect|metacopy|opaque/.test(attributes), false);
      }
    });
  }

  it('ten gigabytes of zeros in ten megabytes: refused before the disk is full, by the entry that says so or by what came', async () => {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dir]);
    try {
      const header = (size: number, path: string): Buffer => patched({ path }, [[124, `${size.toString(8).padStart(11, '0')}\0`]]);
      const zeros = async function* (sizes: readonly number[]): AsyncGenerator<Buffer> {
        await Promise.resolve();
        for (const [index, size] of sizes.entries()) {
          yield header(size, `zeros${index}`);
          for (let left = size; left > 0; left -= 1024 * 1024) yield Buffer.alloc(1024 * 1024);
        }
        yield Buffer.alloc(1024);
      };
      const zipped = (sizes: readonly number[]): Promise<AsyncIterable<Buffer>> => decompressed(Readable.from(zeros(sizes)).pipe(createGzip({ level: 1 })));
      await assert.rejects(unpackLayer(await zipped([8 * 1024 ** 3 - 512]), dir), { code: 'DISK_FULL' });
      assert.deepEqual((await readdir(dir)).length <= 1, true);
      await rm(join(dir, 'zeros0'), { force: true });
      await assert.rejects(unpackLayer(await zipped(Array.from({ length: 200 }, () => 8 * 1024 ** 2)), dir), { code: 'DISK_FULL' });
      const { stdout } = await run('df', ['--output=avail', '-B1', dir]);
      assert.ok(Number(stdout.trim().split('\n')[1]) > 500_000, 'some room was left');
    } finally {
      await run('umount', [dir]);
    }
  });

  it('more entries than are believed, and more than the disk has room for', async () => {
    const many = async function* (count: number): AsyncGenerator<Buffer> {
      for (let at = 0; at < count; at += 1) {
        yield member({ path: `f${at}` });
        if (at % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      yield Buffer.alloc(1024);
    };
    await assert.rejects(unpackLayer(many(3000), dir, { maxEntries: 2000 }), { code: 'ARCHIVE_UNSUPPORTED', message: /more than 2000 entries/ });
    await run('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=500', 'tmpfs', dir]);
    try {
      await assert.rejects(unpackLayer(many(3000), dir), { code: 'DISK_FULL' });
    } finally {
      await run('umount', [dir]);
    }
  });

  it('folders that become files, thousands of them, do not cost more each', async () => {
    const names = Array.from({ length: 4000 }, (_one, at) => `d${at}`);
    await unpackLayer(inPieces(tarball([...names.map(folder), ...names.map((name) => file(name, ''))]), 1_000_000), dir);
    assert.equal((await readdir(dir)).length, names.length);
  });

  it('compression that is broken or cut off', async () => {
    const whole = gzipSync(tarball([file('f', 'x'.repeat(100_000))]));
    for (const broken of [whole.subarray(0, whole.length - 20), Buffer.concat([whole.subarray(0, 60), Buffer.alloc(60, 7), whole.subarray(120)])]) {
      await assert.rejects(async () => unpackLayer(await decompressed(Readable.from([broken], { objectMode: false })), dir), { code: 'ARCHIVE_INVALID' });
      await rm(dir, { recursive: true, force: true });
      await mkdir(dir);
    }
  });
});
