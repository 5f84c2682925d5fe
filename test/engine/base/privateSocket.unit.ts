import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginPrivately, listenPrivately, removeSocket, somebodyListens } from '../../../engine/base/privateSocket.ts';

describe('a socket for one user', () => {
  let folder: string;
  let server: Server;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-socket-'));
    server = createServer();
  });
  afterEach(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has mode 0600 from its first instant, and other files keep theirs', () => {
    const umask = process.umask();
    const path = join(folder, 'one.sock');
    beginPrivately(server, path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(process.umask(), umask);
  });

  it('is in a folder of 0700, and takes the place of what was left', async () => {
    const path = join(folder, 'run', 'one.sock');
    await listenPrivately(server, path);
    assert.equal(statSync(join(folder, 'run')).mode & 0o777, 0o700);
    const other = join(folder, 'left.sock');
    await writeFile(other, '');
    assert.equal(await somebodyListens(other), false);
    const second = createServer();
    await listenPrivately(second, other);
    assert.equal(await somebodyListens(other), true);
    second.close();
    await removeSocket(other);
    await removeSocket(other);
    assert.equal(existsSync(other), false);
  });

  it('where it cannot be is said by the system\'s code', async () => {
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(listenPrivately(server, join(folder, 'file', 'one.sock')), { code: 'ENOTDIR' });
    await assert.rejects(listenPrivately(server, join(folder, 'x'.repeat(200))), { code: 'EINVAL' });
  });
});
