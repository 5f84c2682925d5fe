import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotReadable, readRegular } from '../../../engine/build/context/readRegular.ts';
import { run } from '../../../engine/host/process.ts';

describe('a file that came with a context', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-regular-'))));
  after(() => rm(folder, { recursive: true, force: true }));
  const refused = (name: string): Promise<void> => assert.rejects(readRegular(join(folder, name)), NotReadable);

  it('is read when it is one', async () => {
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n');
    await symlink('Dockerfile', join(folder, 'link'));
    assert.equal(await readRegular(join(folder, 'link')), 'FROM scratch\n');
  });

  it('is refused at once when it is a FIFO, a device, a folder, or too long', async () => {
    await run('mkfifo', [join(folder, 'fifo')]);
    await symlink('/dev/zero', join(folder, 'zero'));
    await writeFile(join(folder, 'long'), '');
    await truncate(join(folder, 'long'), 17 * 1024 * 1024);
    for (const name of ['fifo', 'zero', 'long', '.']) await refused(name);
  });

  it('is told to be absent when it is', () => assert.rejects(readRegular(join(folder, 'none')), { code: 'ENOENT' }));
});
