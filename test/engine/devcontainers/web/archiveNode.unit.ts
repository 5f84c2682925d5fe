import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringArchiveNode } from '../../../../engine/devcontainers/web/install/archiveNode.ts';

describe('the Node of an engine that was carried to its host', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-node-'));
    for (const path of ['home/app', 'home/lib', 'bundle/bin']) await mkdir(join(folder, path), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('comes with its loader and libraries, found where containers have them', async () => {
    const libraries = ['ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1', 'libc.so.6', 'libdl.so.2', 'libgcc_s.so.1', 'libm.so.6', 'libnss_dns.so.2', 'libnss_files.so.2', 'libpthread.so.0', 'libresolv.so.2', 'librt.so.1', 'libstdc++.so.6', 'libutil.so.1'];
    for (const name of libraries) await writeFile(join(folder, 'home/lib', name), name);
    await writeFile(join(folder, 'home/app/node'), `head${'x'.repeat(60)}\0tail`);
    await writeFile(join(folder, 'home/relocations.json'), JSON.stringify({ room: 56, places: [{ file: 'app/node', offset: 4, suffix: '/lib' }, { file: 'bin/ip', offset: 0, suffix: '/lib' }] }));
    assert.equal(await bringArchiveNode(join(folder, 'bundle'), join(folder, 'home/app/node')), true);
    const node = (await readFile(join(folder, 'bundle/bin/node'), 'latin1')).split('\0').filter((part) => part !== '');
    assert.match(node[0] ?? '', /^head\/opt\/berth\/[\d.]+\/lib$/);
    assert.deepEqual(node.slice(1), ['tail']);
    assert.equal((await readdir(join(folder, 'bundle/lib'))).length, libraries.length - 1);
  });

  it("leaves one that is the host's own alone", async () => {
    assert.equal(await bringArchiveNode(join(folder, 'bundle'), join(folder, 'home/app/node')), false);
    assert.deepEqual(await readdir(join(folder, 'bundle/bin')), []);
  });
});
