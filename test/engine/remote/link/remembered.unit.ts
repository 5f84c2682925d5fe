import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rememberedHost } from '../../../../engine/remote/link/remembered.ts';

describe('what is remembered of a host', () => {
  const found = { socketPath: '/run/berth/berth.sock', command: '/root/.berth/engine/1/berth' };
  const named = (name: string) => (): Promise<string> => Promise.resolve(name);
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-remembered-'));
    path = join(folder, 'hosts', 'box.json');
    await rememberedHost(path, 'ssh://box', named('0.1.0 aa')).save(found);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is what was saved for the same address and the same engine', async () => {
    assert.deepEqual(await rememberedHost(path, 'ssh://box', named('0.1.0 aa')).load(), found);
  });

  it('is nothing once another engine of the same version would be carried there', async () => {
    assert.equal(await rememberedHost(path, 'ssh://box', named('0.1.0 bb')).load(), undefined);
  });

  it('is nothing for another address, a file that cannot be read, and no file', async () => {
    assert.equal(await rememberedHost(path, 'ssh://other', named('0.1.0 aa')).load(), undefined);
    await writeFile(path, '{"url":"ssh://box","version":"0.1.0"}');
    assert.equal(await rememberedHost(path, 'ssh://box', named('0.1.0 aa')).load(), undefined);
    await rm(path);
    assert.equal(await rememberedHost(path, 'ssh://box', named('0.1.0 aa')).load(), undefined);
  });
});
