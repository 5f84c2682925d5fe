import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestEngine } from '../../support/engine.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { TestRegistry } from '../../support/registry.ts';
import { tarball } from '../../support/tarball.ts';

const layers = Array.from({ length: 4 }, (_one, index) => plainLayer(tarball(Array.from({ length: 60 }, (_two, file) => ({ path: `l${index}/f${file}`, content: `${index}${file}`.repeat(9000) })))));

describe('garbage', () => {
  let registry: TestRegistry;
  let engine: TestEngine;
  let ref: string;
  before(async () => {
    registry = await TestRegistry.start();
    ref = `${registry.host}/app:1`;
    engine = await TestEngine.start({ instance: 'rgprn', env: { BERTH_BUILD_CACHE_SIZE: '400kB' } });
    const archive = join(engine.root, 'image.tar');
    await writeFile(archive, dockerArchive({ layers, tags: [ref] }).archive);
    await engine.docker(['load', '-i', archive]);
    await engine.docker(['push', ref]);
    await engine.docker(['rmi', ref]);
  });
  after(async () => {
    await engine.remove();
    await registry.stop();
  });

  const project = async (name: string, dockerfile: string, files: Readonly<Record<string, string>>): Promise<string> => {
    const folder = join(engine.root, name);
    await mkdir(folder, { recursive: true });
    for (const [path, content] of Object.entries({ ...files, Dockerfile: dockerfile })) await writeFile(join(folder, path), content);
    return folder;
  };

  it('a prune takes nothing away from pulls and builds that run meanwhile', async () => {
    const folder = await project('build', `FROM ${ref}\nCOPY a /a\nCOPY b /b\nCOPY c /c\n`, { a: 'a', b: 'b', c: 'c' });
    let running = true;
    const prune = (async (): Promise<number> => {
      let count = 0;
      for (; running; count += 1) await engine.berth(['system', 'prune', '-a', '--yes']);
      return count;
    })();
    try {
      for (let round = 0; round < 3; round += 1) {
        const [pulled, built] = await Promise.all([engine.docker(['pull', ref]), engine.docker(['build', '--no-cache', '-q', folder])]);
        assert.match(pulled.stdout, /Status: /);
        assert.match(built.stdout, /sha256:/);
      }
    } finally {
      running = false;
    }
    assert.ok((await prune) > 0);
    await engine.berth(['system', 'prune', '-a', '--yes']);
    assert.equal((await engine.docker(['images', '-aq'])).stdout, '');
    const { stdout } = await engine.docker(['system', 'df', '--format', '{{.Type}} {{.Size}}']);
    assert.match(stdout, /Images 0B/);
    assert.match(stdout, /Build Cache 0B/);
  });

  it('the build cache keeps to its size: what was used last stays', async () => {
    const content = (name: string): string => `${name}${'x'.repeat(150_000)}`;
    for (const name of ['one', 'two', 'three', 'four']) {
      await engine.docker(['build', '-q', await project(name, 'FROM scratch\nCOPY data /data\n', { data: content(name) })]);
      await engine.docker(['image', 'prune', '-af']);
    }
    const again = async (name: string): Promise<boolean> => (await engine.docker(['build', join(engine.root, name)])).stdout.includes('Using cache');
    assert.equal(await again('four'), true, 'the last one');
    assert.equal(await again('one'), false, 'the first one');
  });

  it('asks before it removes, and without a terminal removes nothing', async () => {
    const before = (await engine.docker(['images', '-aq'])).stdout;
    assert.match((await engine.berth(['system', 'prune', '-a'])).stderr, /Nothing was run/);
    assert.equal((await engine.docker(['images', '-aq'])).stdout, before);
  });
});
