import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../../../engine/host/process.ts';
import { HostList } from '../../../engine/remote/hosts.ts';

const child = join(import.meta.dirname, '../../support/hostListChild.ts');

describe('the list of hosts, changed by many processes at once', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-hosts-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  it('has everything that was added, whoever is killed meanwhile', async () => {
    const hosts = new HostList(join(folder, 'hosts.json'));
    const added: string[] = [];
    const writers = ['a', 'b', 'c', 'd', 'killed'].map((prefix) => {
      const writer = start(process.execPath, ['--disable-warning=ExperimentalWarning', child, hosts.path, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
      writer.stdout?.on('data', (chunk: Buffer) => {
        added.push(...chunk.toString().trim().split('\n'));
        if (prefix === 'killed' && added.includes('killed5')) writer.kill('SIGKILL');
      });
      return { prefix, over: once(writer, 'close') };
    });
    for (const { prefix, over } of writers) assert.deepEqual(await over, prefix === 'killed' ? [null, 'SIGKILL'] : [0, null]);
    assert.equal(added.filter((name) => !name.startsWith('killed')).length, 100);
    const names = (await hosts.list()).map(({ name }) => name);
    assert.deepEqual(added.filter((name) => !names.includes(name)), [], 'these were lost');
    await hosts.add({ name: 'last', url: 'ssh://last', transport: 'auto' });
    assert.deepEqual(await readdir(folder), ['hosts.json']);
  });
});
