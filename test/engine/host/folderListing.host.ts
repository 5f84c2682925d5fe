import assert from 'node:assert/strict';
import { linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as native from '#native';
import { listFolder } from '../../../engine/host/folderListing.ts';

describe('a folder that is read by one call', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-listing-'));
    writeFileSync(join(folder, 'file'), 'content');
    writeFileSync(join(folder, '한글'), '');
    writeFileSync(join(folder, 'large'), Buffer.alloc(5000, 'x'));
    writeFileSync(join(folder, 'holes'), 'x');
    truncateSync(join(folder, 'holes'), 2 ** 33 + 1);
    utimesSync(join(folder, 'file'), 1_600_000_000.25, -1.5);
    linkSync(join(folder, 'file'), join(folder, 'linked'));
    symlinkSync('file', join(folder, 'link'));
    mkdirSync(join(folder, 'below'));
    native.setAttribute(Buffer.from(join(folder, 'large')), 'user.berth', Buffer.from('1'));
    if (process.getuid?.() === 0) native.makeNode(Buffer.from(join(folder, 'device')), 0o020000, 4000, 1_048_575);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('says of each file what lstat does', () => {
    const files = listFolder(native, Buffer.from(folder));
    assert.deepEqual(files.map((file) => file.name('utf8')).sort(), readdirSync(folder).sort());
    for (const file of files) {
      const name = file.name('utf8');
      const stats = lstatSync(join(folder, name), { bigint: true });
      const fields: Array<keyof BigIntStats & keyof typeof file> = ['mode', 'uid', 'gid', 'nlink', 'dev', 'ino', 'rdev', 'size', 'blocks', 'mtimeNs', 'ctimeNs', 'atimeNs', 'ctimeMs'];
      for (const field of fields) assert.equal(file[field], stats[field], `${name}: ${field}`);
      assert.equal(file.mtime, Math.floor(Number(stats.mtimeNs) / 1e9), name);
      assert.equal(file.content, undefined);
    }
  });

  it('brings the contents of small files along, as many as are wanted', () => {
    const contents = (limit: number, most: number): Record<string, string> => Object.fromEntries(listFolder(native, Buffer.from(folder), { limit, most }).flatMap((file) => (file.content ? [[file.name('utf8'), file.content.toString()]] : [])));
    assert.deepEqual(contents(100, 1000), { file: 'content', linked: 'content', 한글: '' });
    assert.equal(Object.values(contents(100, 7)).join(''), 'content');
    assert.equal(contents(5000, 100_000)['large']?.length, 5000);
    const withAttributes = listFolder(native, Buffer.from(folder), { limit: 5000, most: 100_000 }).filter((file) => file.content && file.mayHaveAttributes);
    assert.deepEqual(withAttributes.map((file) => file.name('utf8')), ['large']);
  });

  it('does not go through a link, and says what is wrong', () => {
    symlinkSync(folder, `${folder}.link`);
    try {
      for (const [path, code] of [[`${folder}.link`, 'ENOTDIR'], [join(folder, 'absent'), 'ENOENT'], [join(folder, 'file'), 'ENOTDIR']]) assert.throws(() => listFolder(native, Buffer.from(path ?? '')), { code });
    } finally {
      rmSync(`${folder}.link`);
    }
  });
});
