import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../../../engine/host/process.ts';
import type { EngineArchive } from '../../../../engine/remote/install/archive.ts';
import { archivesIn } from '../../../../engine/remote/install/archive.ts';
import { packageInto, packagedEngine } from '../../../support/engineArchive.ts';

const addOn = resolve(import.meta.dirname, '../../../../dist/native', `native-linux-${process.arch}.node`);

describe('an archive of the engine', () => {
  let archive: EngineArchive;
  let folder: string;
  before(async function () {
    this.timeout(240_000);
    archive = await (await packagedEngine()).archiveFor(process.arch as 'x64' | 'arm64');
    folder = await mkdtemp(join(tmpdir(), 'berth-pkg-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is the same bytes when it is made again, and leaves alone the add-on that is in use meanwhile', async () => {
    const used = await open(addOn);
    const before = await readFile(addOn);
    await packageInto(folder);
    assert.equal((await used.stat()).nlink, 0, 'the file that processes have mapped was not written to, but replaced');
    assert.deepEqual(await used.readFile(), before);
    await used.close();
    const again = await archivesIn(folder).archiveFor(process.arch as 'x64' | 'arm64');
    assert.deepEqual([again.digest, again.size], [archive.digest, archive.size]);
  });

  it('has the licence of everything in it, nothing that is set-user-ID, and no name of this machine', async () => {
    const path = join(folder, `berth-engine-linux-${process.arch}.tar.gz`);
    const listing = (await run('tar', ['-tvzf', path])).stdout;
    const licensed = new Set([...listing.matchAll(/licenses\/(\S+)$/gm)].map((match) => match[1]));
    const inside = Object.keys(archive.manifest.versions).filter((name) => !/^gcc-\d+-base$/.test(name)); // that one holds licences only
    assert.deepEqual(inside.filter((name) => !licensed.has(name)), []);
    assert.doesNotMatch(listing, /^\S*[sS]/m);
    assert.ok([...listing.matchAll(/^\S+ (\S+) /gm)].every((match) => match[1] === '0/0'));
    await run('tar', ['-xzf', path, '-C', folder, 'relocations.json', 'versions.json']);
    for (const name of ['relocations.json', 'versions.json']) assert.ok(!(await readFile(join(folder, name), 'utf8')).includes(process.cwd()));
  });
});
