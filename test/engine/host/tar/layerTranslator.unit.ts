import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { encodeEntry } from '../../../../engine/host/tar/entry.ts';
import type { TarEntry } from '../../../../engine/host/tar/entry.ts';
import { LayerTranslator } from '../../../../engine/host/tar/layerTranslator.ts';
import type { LayerStep } from '../../../../engine/host/tar/layerTranslator.ts';
import { layerRules } from '../../../../engine/host/tar/layerRules.ts';
import type { LayerRules } from '../../../../engine/host/tar/layerRules.ts';
import { toLayerEntries } from '../../../../engine/host/tar/packLayer.ts';
import { parseIdMap } from '../../../../engine/host/userNamespace.ts';
import { readTar } from '../../../../engine/host/tar/reader.ts';
import { inPieces, member, tarball } from '../../../support/tarball.ts';
import type { Member } from '../../../support/tarball.ts';

const rules = layerRules(false);

interface Written extends TarEntry {
  readonly content: string;
}

/** What would be made of an archive. */
async function translate(archive: Buffer, how: LayerRules = rules): Promise<Written[]> {
  const translator = new LayerTranslator('.kept', how);
  const written: Written[] = [];
  const take = (step: LayerStep): void => {
    if ('path' in step) return void written.push({ ...step, content: '' });
    const last = written.pop();
    if (last) written.push({ ...last, content: last.content + step.data.toString() });
  };
  for await (const part of readTar(inPieces(archive))) for (const step of translator.step(part)) take(step);
  for (const entry of translator.finish()) take(entry);
  return written;
}

function lines(written: readonly Written[]): string[] {
  return written.map(({ type, path, linkPath, content }) => [type, path, linkPath, content].filter((text) => text !== '').join(' '));
}

/** A header with bytes changed and its checksum made right again. */
function patched(block: Buffer, change: (block: Buffer) => void): Buffer {
  const copy = Buffer.from(block);
  change(copy);
  copy.fill(' ', 148, 156);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

const link = (path: string, linkPath: string): Member => ({ path, type: 'symlink', linkPath });
const hard = (path: string, linkPath: string): Member => ({ path, type: 'hardlink', linkPath });
const folder = (path: string): Member => ({ path, type: 'directory' });

describe('hostile layers', () => {
  const refused: ReadonlyArray<readonly [string, ReadonlyArray<Member | Buffer>, RegExp]> = [
    ['a path that climbs out', [{ path: '../evil' }], /"\.\.\/evil" leads out/],
    ['a path that climbs out further in', [{ path: 'a/../../evil' }], /leads out/],
    ['an absolute path that climbs', [{ path: '/../etc/passwd' }], /leads out/],
    ['a path with dots that would stay inside', [{ path: 'a/../b' }], /leads out/],
    ['a file written through a symbolic link of the archive', [link('usr', '/etc'), { path: 'usr/passwd', content: 'x' }], /through "usr"/],
    ['a file written through a link to a link', [link('a', 'b'), link('b', '/'), { path: 'a/etc/x' }], /through "a"/],
    ['a folder made through a link', [link('a', '..'), folder('a/b')], /through "a"/],
    ['a link made through a link', [link('a', '/tmp'), link('a/b', 'x')], /through "a"/],
    ['a path below a file', [{ path: 'a', content: 'x' }, { path: 'a/b' }], /through "a", which is not a directory/],
    ['a path below a device', [{ path: 'a', type: 'character', deviceMajor: 1, deviceMinor: 3 }, { path: 'a/b' }], /through "a"/],
    ['a hard link to a path outside', [hard('a', '../../etc/shadow')], /hard link to "\.\.\/\.\.\/etc\/shadow", which leads out/],
    ['a hard link to the host’s file', [hard('a', '/etc/shadow')], /no file of this layer/],
    ['a hard link whose target lies behind a link', [link('d', '/etc'), hard('a', 'd/shadow')], /through "d"/],
    ['a hard link to a folder', [folder('d'), hard('a', 'd')], /no file of this layer/],
    ['a file written through a hard link to a symbolic link', [link('s', '/etc'), hard('h', 's'), { path: 'h/passwd' }], /through "h"/],
    ['a whiteout that climbs out', [{ path: 'a/../../.wh.b' }], /leads out/],
    ['a whiteout of the folder above', [{ path: 'a/.wh...' }], /whiteout of its own folder or of the one above/],
    ['a whiteout of its own folder', [{ path: '.wh..' }], /whiteout of its own folder/],
    ['a whiteout made through a link', [link('a', '/'), { path: 'a/.wh.etc' }], /through "a"/],
    ['an opaque marker set through a link', [link('a', '/'), { path: 'a/.wh..wh..opq' }], /through "a"/],
    ['a root that is a link', [link('.', '/')], /root, but not a directory/],
    ['a file in place of a filled folder', [{ path: 'a/b', content: 'x' }, { path: 'a', content: 'y' }], /replaces a folder/],
    ['a name with a NUL byte', [nulPath()], /NUL/],
    ['a kind of member that nobody knows', [patched(member({ path: 'a' }), (block) => block.write('Z', 156))], /type flag "Z"/],
    ['a sparse file that is not GNU tar’s', [patched(member({ path: 'a' }), (block) => block.write('S', 156))], /not GNU tar/],
    ['an extended header of a gigabyte', [patched(member({ path: 'a' }), (block) => block.write('x', 156) && block.write('10000000000', 124))], /at most/],
    ['a negative size', [patched(member({ path: 'a' }), (block) => block.fill(0xff, 124, 136))], /size of "a"/],
    ['a header whose checksum is wrong', [Buffer.concat([member({ path: 'a' }).fill('b', 0, 1)])], /checksum/],
  ];
  for (const [name, members, message] of refused) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(translate(tarball(members)), { message, status: 400 });
    });
  }

  it('refuses an archive that is cut off in a header, in a file, and in its padding', async () => {
    const archive = tarball([{ path: 'a', content: 'x'.repeat(600) }]);
    for (const length of [100, 512 + 100, 512 + 700]) await assert.rejects(translate(archive.subarray(0, length)), { code: 'ARCHIVE_INVALID' }, `${length} bytes`);
  });

  it('takes the leading slash and the dots off a path', async () => {
    assert.deepEqual(lines(await translate(tarball([folder('./'), folder('/etc'), { path: '//etc/./passwd', content: 'x' }]))), ['directory .', 'directory etc', 'file etc/passwd x']);
  });

  it('keeps the targets of symbolic links as they are: they are only text', async () => {
    assert.deepEqual(lines(await translate(tarball([link('a', '/etc/passwd'), link('b', '../../up')]))), ['symlink a /etc/passwd', 'symlink b ../../up']);
  });

  it('drops overlay’s own attributes, which could show other folders of the host’s layers', async () => {
    const [entry] = await translate(tarball([{ ...folder('d'), xattrs: { 'trusted.overlay.redirect': '/secret', 'trusted.overlay.opaque': 'y', 'user.overlay.opaque': 'y', 'user.mine': 'kept' } }]));
    assert.deepEqual([...(entry?.xattrs.keys() ?? [])], ['user.mine']);
  });

  it('whatever the members, what is written stays below the root and never passes a link', async () => {
    const name = fc.constantFrom('a', 'b', '..', '.', '', 'c', '.wh.a', '.wh..wh..opq', '.wh...');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const type = fc.constantFrom<TarEntry['type']>('file', 'directory', 'symlink', 'hardlink', 'character');
    const members = fc.array(fc.record({ path, type, linkPath: path }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(members, async (list) => {
        const written = await translate(tarball(list.map((one) => ({ ...one, path: one.path === '' ? 'x' : one.path })))).catch((error: unknown) => {
          assert.ok(error instanceof Error && 'status' in error && error.status === 400, String(error));
          return [];
        });
        const links = new Set<string>();
        for (const entry of written) {
          const parts = entry.path.split('/');
          assert.ok(!parts.includes('..') && !entry.path.startsWith('/'), entry.path);
          if (entry.type === 'hardlink') assert.ok(!entry.linkPath.split('/').includes('..') && !entry.linkPath.startsWith('/'));
          for (let depth = 1; depth < parts.length; depth += 1) assert.ok(!links.has(parts.slice(0, depth).join('/')), `${entry.path} passes a link`);
          if (entry.type === 'symlink') links.add(entry.path);
          else if (entry.type === 'hardlink' && links.has(entry.linkPath)) links.add(entry.path);
          else links.delete(entry.path);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('whiteouts', () => {
  it('become character devices 0/0, and opaque markers an attribute of the folder', async () => {
    const written = await translate(tarball([folder('d'), { path: 'd/.wh.gone' }, { path: 'd/.wh..wh..opq' }]));
    assert.deepEqual(lines(written), ['directory d', 'character d/gone', 'directory d']);
    assert.equal(written[2]?.xattrs.get(rules.opaque)?.toString(), 'y');
  });

  it('make the folders that the archive does not mention, which belong to root', async () => {
    const written = await translate(tarball([{ path: 'a/b/.wh.gone' }, { path: 'c/.wh..wh..opq' }]));
    assert.deepEqual(lines(written), ['directory a', 'directory a/b', 'character a/b/gone', 'directory c', 'directory c']);
    assert.deepEqual(written.map(({ mode }) => mode.toString(8)), ['755', '755', '0', '755', '755']);
  });

  it('hide what lower layers have, never what the same layer brings: a folder becomes opaque, a file stays', async () => {
    for (const members of [[{ path: '.wh.d' }, folder('d'), { path: 'd/new', content: 'n' }], [folder('d'), { path: 'd/new', content: 'n' }, { path: '.wh.d' }], [{ path: '.wh.d' }, { path: 'd/new', content: 'n' }]] as Member[][]) {
      const last = (await translate(tarball(members))).at(-1);
      assert.equal(last?.path, 'd');
      assert.equal(last.xattrs.get(rules.opaque)?.toString(), 'y');
    }
    assert.deepEqual(lines(await translate(tarball([{ path: 'f', content: 'new' }, { path: '.wh.f' }]))), ['file f new']);
    assert.deepEqual(lines(await translate(tarball([{ path: '.wh.f' }, { path: 'f', content: 'new' }]))), ['character f', 'file f new']);
  });

  it('skip the bookkeeping of aufs', async () => {
    assert.deepEqual(lines(await translate(tarball([{ path: '.wh..wh.aufs', content: 'x' }, { ...folder('.wh..wh.plnk') }, { path: '.wh..wh.orph/x', content: 'y' }]))).filter((line) => line.includes('aufs') || line.includes('plnk')), []);
  });
});

describe('what an archive replaces itself', () => {
  it('keeps the first content by a hard link, so that the tar can be replayed', async () => {
    const written = await translate(tarball([{ path: 'f', content: 'one' }, { path: 'f', content: 'two' }, { path: 'f', content: 'three' }]));
    assert.deepEqual(lines(written), ['file f one', 'directory .kept', 'hardlink .kept/0 f', 'file f two', 'hardlink .kept/1 f', 'file f three']);
  });

  it('lets a link or a folder take the place of a file, and a file that of an empty folder', async () => {
    assert.deepEqual(lines(await translate(tarball([{ path: 'f', content: 'one' }, link('f', 'x')]))).slice(-2), ['hardlink .kept/0 f', 'symlink f x']);
    assert.deepEqual(lines(await translate(tarball([{ path: 'f' }, folder('f'), { path: 'f/g' }]))), ['file f', 'directory f', 'file f/g']);
    assert.deepEqual(lines(await translate(tarball([folder('d'), { path: 'd', content: 'x' }]))), ['directory d', 'file d x']);
  });
});

function nulPath(): Buffer {
  // NUL ends a name in a ustar field, but not in a PAX record.
  return member({ path: `a\0${'b'.repeat(120)}` });
}

describe('headers', () => {
  it('come out of the encoder as they went in, whatever their names, numbers and attributes', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '/x', ' ', '漢', 'long-name-part-'), minLength: 1, maxLength: 40 }).map((name) => Buffer.from(`r${name}`).toString('latin1').replace(/\/+$/, ''));
    const entry = fc.record({
      path: text,
      type: fc.constantFrom<TarEntry['type']>('file', 'directory', 'symlink', 'hardlink', 'fifo'),
      linkPath: text,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
      mtime: fc.integer({ min: -1000, max: 2 ** 34 }),
      xattrs: fc.dictionary(fc.constantFrom('user.a', 'security.capability', 'trusted.b'), fc.uint8Array({ maxLength: 30 })),
    });
    await fc.assert(
      fc.asyncProperty(entry, async (fields) => {
        const isLink = fields.type === 'symlink' || fields.type === 'hardlink';
        const before: TarEntry = { ...fields, linkPath: isLink ? fields.linkPath : '', size: 0, deviceMajor: 0, deviceMinor: 0, xattrs: new Map(Object.entries(fields.xattrs).map(([name, value]) => [name, Buffer.from(value)])) };
        const parts = [];
        for await (const part of readTar(inPieces(Buffer.concat([encodeEntry(before), Buffer.alloc(1024)]), 333))) parts.push(part);
        const [first] = parts;
        assert.ok(first?.kind === 'entry');
        assert.deepEqual({ ...first.entry, xattrs: [...first.entry.xattrs].sort() }, { ...before, xattrs: [...before.xattrs].sort() });
      }),
    );
  });
});

describe('layers without root', () => {
  const map = parseIdMap('0 1001 1\n1 100000 65536');
  const rootless = layerRules(true, { uids: map, gids: map });

  it('leave out device nodes with their further names, and keep whiteouts, which are devices 0/0', async () => {
    const members: Member[] = [folder('d'), { path: 'd/disk', type: 'block', deviceMajor: 8, deviceMinor: 0 }, { path: 'd/same', type: 'hardlink', linkPath: 'd/disk' }, { path: 'd/.wh.gone' }, { path: 'd/f', content: 'x' }];
    assert.deepEqual(lines(await translate(tarball(members), rootless)), ['directory d', 'character d/gone', 'file d/f x']);
  });

  it('mark an opaque folder where an ordinary user may, and find the mark again', async () => {
    const marked = (await translate(tarball([folder('d'), { path: 'd/.wh..wh..opq' }]), rootless)).at(-1);
    assert.equal(marked?.xattrs.get('user.overlay.opaque')?.toString(), 'y');
    assert.ok(marked);
    const entries = toLayerEntries(marked, rootless);
    assert.deepEqual(entries.map(({ path }) => path), ['d', 'd/.wh..wh..opq']);
    assert.equal(entries[0]?.xattrs.size, 0);
  });

  it('refuse an owner that does not exist there', async () => {
    await assert.rejects(translate(tarball([{ path: 'f', content: 'x', uid: 70000 }]), rootless), { code: 'OWNER_UNMAPPED' });
  });
});
