import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { makePrivateFolder } from '../../../engine/host/rootless/privateFolder.ts';

describe('a folder for one user in a place that all may write to', () => {
  const { uid } = userInfo();
  let place: string;
  beforeEach(async () => (place = await mkdtemp(join(tmpdir(), 'berth-private-'))));
  afterEach(() => rm(place, { recursive: true }));

  it('is made for that user alone, and is fine when it is there', async () => {
    const path = join(place, 'mine');
    await makePrivateFolder(path, uid);
    await makePrivateFolder(path, uid);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  it('is refused when it is another’s, a link, a file, or open to others', async () => {
    const refused = { code: 'RUNTIME_FOLDER_UNSAFE' };
    await assert.rejects(makePrivateFolder(place, uid + 1), refused);
    await symlink(place, join(place, 'link'));
    await assert.rejects(makePrivateFolder(join(place, 'link'), uid), refused);
    await writeFile(join(place, 'file'), '');
    await assert.rejects(makePrivateFolder(join(place, 'file'), uid), refused);
    await chmod(place, 0o750);
    await assert.rejects(makePrivateFolder(place, uid), refused);
  });
});
