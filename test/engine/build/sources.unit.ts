import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StatCache } from '../../../engine/build/cache/statCache.ts';
import { fileDigest } from '../../../engine/build/context/fileDigest.ts';
import { IgnoreRules } from '../../../engine/base/dockerIgnore.ts';
import { resolveInRoot } from '../../../engine/build/context/resolveInRoot.ts';
import { readTree } from '../../../engine/build/context/tree.ts';
import { contentKey } from '../../../engine/build/copy/contentKey.ts';
import { selectSources } from '../../../engine/build/copy/selectSources.ts';
import type { SourceTree } from '../../../engine/build/copy/selectSources.ts';

const { signal } = new AbortController();

describe('the sources of COPY', () => {
  let root: string;
  let tree: SourceTree;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-sources-'));
    for (const folder of ['src/deep', 'docs']) await mkdir(join(root, folder), { recursive: true });
    for (const file of ['a.txt', 'b.txt', 'src/one', 'src/deep/two', 'docs/x.md', 'docs/y.md']) await writeFile(join(root, file), file);
    tree = { root, digest: (entry) => fileDigest(entry.location) };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const select = async (pattern: string, filter?: IgnoreRules): Promise<Array<[string, string[]]>> => (await selectSources(filter ? { ...tree, filter } : tree, pattern, signal)).map(({ name, entries }) => [name, entries.map((entry) => entry.path)]);

  it('are files, folders with all in them, and what wildcards match', async () => {
    assert.deepEqual(await select('a.txt'), [['a.txt', ['']]]);
    assert.deepEqual(await select('/src/'), [['src', ['', 'deep', 'deep/two', 'one']]]);
    assert.deepEqual(await select('*.txt'), [['a.txt', ['']], ['b.txt', ['']]]);
    assert.deepEqual(await select('d*/[x]*'), [['x.md', ['']]]);
    assert.deepEqual((await select('.')).map(([name, paths]) => [name, paths.length]), [['', 10]]);
  });

  it('are nothing where there is nothing', async () => {
    for (const pattern of ['none', 'a.txt/b', '*.none', 'none/*', 'src/none/x*']) assert.deepEqual(await select(pattern), [], pattern);
  });

  it('leave out what .dockerignore names, but keep the folders of what a later rule keeps', async () => {
    const rules = new IgnoreRules('*\n!src/deep/two');
    assert.deepEqual(await select('.', rules), [['', ['', 'src', 'src/deep', 'src/deep/two']]]);
    assert.deepEqual(await select('a.txt', rules), []);
  });

  it('never lie outside the root, whatever links there are', async () => {
    await symlink('/etc', join(root, 'absolute'));
    await symlink('../../../../../../etc/passwd', join(root, 'up'));
    await symlink('absolute/../src', join(root, 'inner'));
    assert.deepEqual(await select('absolute/passwd'), []);
    assert.deepEqual(await select('up'), []);
    assert.deepEqual(await select('../../../../etc/passwd'), []);
    assert.deepEqual((await select('inner'))[0]?.[1].length, 4);
    assert.equal(await resolveInRoot(root, 'absolute/x'), 'etc/x');
    const kept = (await readTree(root, '')).find((entry) => entry.path === 'absolute');
    assert.deepEqual([kept?.type, kept?.link], ['link', '/etc']);
  });

  it('say so when links lead in circles', async () => {
    await symlink('two', join(root, 'one'));
    await symlink('one', join(root, 'two'));
    await assert.rejects(resolveInRoot(root, 'one'), /too many levels of symbolic links/);
  });

  const key = async (): Promise<string> => contentKey(tree, await selectSources(tree, 'src', signal), false, signal);

  it('have the same key when only times change, and another when names, modes, contents or links do', async () => {
    const before = await key();
    await utimes(join(root, 'src/one'), 1, 1);
    assert.equal(await key(), before);
    const changes: Array<() => Promise<unknown>> = [
      () => writeFile(join(root, 'src/one'), 'ONE'),
      () => chmod(join(root, 'src/one'), 0o700),
      () => rename(join(root, 'src/one'), join(root, 'src/three')),
      () => mkdir(join(root, 'src/empty')),
      () => symlink('three', join(root, 'src/link')),
    ];
    const seen = new Set([before]);
    for (const change of changes) {
      await change();
      seen.add(await key());
    }
    assert.equal(seen.size, changes.length + 1);
  });

  it('are not read again when nothing about them changed', async () => {
    const folder = join(root, '.stat');
    const [entry] = await readTree(root, 'a.txt');
    assert.ok(entry);
    const settled = { ...entry.stats, ctimeMs: entry.stats.ctimeMs - 10_000n };
    const cache = new StatCache(folder);
    const digests = await cache.open(root);
    const digest = await digests.digest('a.txt', entry.location, settled);
    await cache.save(digests);
    await rm(entry.location);
    assert.equal(await (await new StatCache(folder).open(root)).digest('a.txt', entry.location, settled), digest);
    const later = { ...settled, mtimeNs: settled.mtimeNs + 1n };
    await assert.rejects(digests.digest('a.txt', entry.location, later), { code: 'ENOENT' });
  });
});
