import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SyncPair, put, treeOf } from '../../../support/syncPair.ts';

describe('two folders kept equal', () => {
  let pair: SyncPair;
  beforeEach(() => void (pair = new SyncPair()));
  afterEach(() => pair[Symbol.asyncDispose]());

  const assertEqual = (): void => assert.deepEqual(treeOf(pair.remote), treeOf(pair.local));

  it('copies files, permissions, links, empty folders and odd names to an empty folder, and leaves nothing of its own', async () => {
    put(pair.local, { 'src/main.c': 'int main;', 'bin/tool': '#!/bin/sh', 'private': 'secret', 'ein Name mit ü und \n': 'x', empty: '' });
    chmodSync(join(pair.local, 'bin/tool'), 0o755);
    chmodSync(join(pair.local, 'private'), 0o600);
    mkdirSync(join(pair.local, 'nothing/in/here'), { recursive: true, mode: 0o700 });
    symlinkSync('src/main.c', join(pair.local, 'inside'));
    symlinkSync('/etc/passwd', join(pair.local, 'outside'));
    symlinkSync('../../elsewhere', join(pair.local, 'nothing/up'));
    const report = await pair.cycle();
    assertEqual();
    assert.deepEqual(report.pending, []);
    assert.equal(treeOf(pair.remote)['bin/tool'], '755 #!/bin/sh');
  });

  it('brings edits, removals, renames and changes of kind from either side to the other', async () => {
    put(pair.local, { a: '1', b: '2', 'd/x': 'x', 'd/y': 'y', 'e/z': 'z', f: 'f' });
    await pair.cycle();
    put(pair.local, { a: 'changed here' });
    rmSync(join(pair.local, 'd'), { recursive: true });
    writeFileSync(join(pair.local, 'd'), 'a file now');
    put(pair.remote, { b: 'changed there', new: 'new' });
    renameSync(join(pair.remote, 'e'), join(pair.remote, 'e2'));
    rmSync(join(pair.remote, 'f'));
    put(pair.remote, { 'f/is/a/folder': 'now' });
    const report = await pair.cycle();
    assertEqual();
    assert.deepEqual(report.conflicts, []);
    assert.deepEqual(Object.keys(treeOf(pair.local)), ['a', 'b', 'd', 'e2', 'e2/z', 'f', 'f/is', 'f/is/a', 'f/is/a/folder', 'new']);
  });

  it('keeps both versions of a file that both sides changed', async () => {
    put(pair.local, { f: 'first' });
    await pair.cycle();
    put(pair.local, { f: 'mine' });
    put(pair.remote, { f: 'theirs' });
    const { conflicts } = await pair.cycle();
    assertEqual();
    assert.equal(readFileSync(join(pair.local, 'f'), 'utf8'), 'mine');
    assert.match(conflicts[0]?.copy ?? '', /^f\.conflict-web1-\d{8}-\d{6}$/);
    assert.equal(readFileSync(join(pair.remote, conflicts[0]?.copy ?? ''), 'utf8'), 'theirs');
  });

  it('leaves out what .gitignore says, but what git tracks; changing the rules removes nothing', async () => {
    const git = (...args: string[]): void => void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: pair.local, stdio: 'ignore' });
    git('init', '-q');
    put(pair.local, { '.gitignore': '*.log\nout/\n!keep.log\n', 'a.log': '', 'keep.log': 'k', 'out/x': 'x', 'out/tracked': 't', 'sub/.gitignore': '/only-here\n', 'sub/only-here': '', 'sub/deep/only-here': 'y' });
    git('add', '-f', 'out/tracked', '.gitignore');
    git('commit', '-qm', 'one');
    put(pair.remote, { 'out/built-there': 'b' });
    await pair.cycle();
    const there = Object.keys(treeOf(pair.remote)).filter((path) => !path.startsWith('.git/'));
    assert.deepEqual(there, ['.git', '.gitignore', 'keep.log', 'out', 'out/built-there', 'out/tracked', 'sub', 'sub/.gitignore', 'sub/deep', 'sub/deep/only-here']);
    assert.equal(execFileSync('git', ['status', '--porcelain'], { cwd: pair.remote, encoding: 'utf8' }), execFileSync('git', ['status', '--porcelain'], { cwd: pair.local, encoding: 'utf8' }));
    put(pair.local, { '.gitignore': '*.log\nout/\nsub/\n' });
    await pair.cycle();
    assert.ok(Object.keys(treeOf(pair.remote)).includes('sub/deep/only-here'), 'what is left out from now on stays where it is');
    assert.ok(!Object.keys(treeOf(pair.local)).includes('out/built-there'));
  });

  it("takes git's refreshing of its index on either side for no change, and what git adds to it for one", async () => {
    const git = (cwd: string, ...args: string[]): string => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd, encoding: 'utf8' });
    git(pair.local, 'init', '-q');
    put(pair.local, { f: 'f' });
    git(pair.local, 'add', 'f');
    git(pair.local, 'commit', '-qm', 'one');
    await pair.cycle();
    git(pair.remote, 'status');
    git(pair.remote, 'update-index', '--refresh');
    assert.notDeepEqual(readFileSync(join(pair.remote, '.git/index')), readFileSync(join(pair.local, '.git/index')), 'the refresh wrote other times');
    const idle = await pair.cycle();
    assert.deepEqual([idle.toLocal, idle.toRemote], [0, 0]);
    put(pair.remote, { g: 'g' });
    git(pair.remote, 'add', 'g');
    git(pair.remote, 'commit', '-qm', 'two');
    const { conflicts } = await pair.cycle();
    assert.deepEqual(conflicts, []);
    assert.equal(git(pair.local, 'status', '--porcelain'), '');
    assert.match(git(pair.local, 'log', '--oneline'), /two/);
  });

  it("waits with git's files while git is at work", async () => {
    execFileSync('git', ['init', '-q'], { cwd: pair.local });
    put(pair.local, { '.git/index.lock': '', f: 'f' });
    const report = await pair.cycle();
    assert.deepEqual(Object.keys(treeOf(pair.remote)), ['f']);
    assert.ok(report.problems.some(({ path }) => path === '.git'));
    rmSync(join(pair.local, '.git/index.lock'));
    await pair.cycle();
    assert.ok(Object.keys(treeOf(pair.remote)).includes('.git/HEAD'));
  });

  it('says what it cannot sync and goes on with the rest', async () => {
    put(pair.local, { f: 'f', 'd/x': 'x' });
    execFileSync('mknod', [join(pair.local, 'pipe'), 'p']);
    const report = await pair.cycle();
    assert.deepEqual(report.problems.map(({ path, detail }) => [path, detail]), [['pipe', 'it is a named pipe, which cannot be synced']]);
    rmSync(join(pair.remote, 'd'), { recursive: true });
    execFileSync('mknod', [join(pair.remote, 'd'), 'p']);
    await pair.cycle();
    assert.ok(Object.keys(treeOf(pair.local)).includes('d/x'), 'what became something else there is not removed here');
  });

  it('refuses to take an emptied folder for the wish to remove everything', async () => {
    put(pair.local, { a: '1', b: '2' });
    await pair.cycle();
    for (const name of readdirSync(pair.local)) rmSync(join(pair.local, name));
    await assert.rejects(pair.cycle(), { code: 'SYNC_ROOT_EMPTIED' });
    assert.deepEqual(Object.keys(treeOf(pair.remote)), ['a', 'b']);
  });

  it('writes nothing through links that somebody laid in its own folder', async () => {
    put(pair.folder, { victim: 'precious' });
    chmodSync(join(pair.folder, 'victim'), 0o600);
    put(pair.local, { f: 'f', g: 'f', big: 'x'.repeat(3_000_000) });
    mkdirSync(join(pair.remote, '.berth-sync/a1'), { recursive: true });
    for (const content of ['f', 'x'.repeat(3_000_000)]) {
      const digest = createHash('sha256').update(content).digest('hex');
      for (const name of [digest, `part-${digest}`, `base-${digest}`, 'copy', 'link']) rmSync(join(pair.remote, '.berth-sync/a1', name), { force: true });
      for (const name of [digest, `part-${digest}`, `base-${digest}`, 'copy', 'link']) symlinkSync(join(pair.folder, 'victim'), join(pair.remote, '.berth-sync/a1', name));
    }
    await pair.cycle();
    assertEqual();
    assert.deepEqual([readFileSync(join(pair.folder, 'victim'), 'utf8'), statSync(join(pair.folder, 'victim')).mode & 0o777], ['precious', 0o600]);
  });

  it('never writes through a link that took the place of a folder', async () => {
    put(pair.local, { 'd/x': 'x' });
    await pair.cycle();
    const outside = join(pair.folder, 'outside');
    mkdirSync(outside);
    put(pair.local, { 'd/x': 'x2', 'd/y': 'y' });
    const controller = await pair.open();
    rmSync(join(pair.remote, 'd'), { recursive: true });
    symlinkSync(outside, join(pair.remote, 'd'));
    await controller.cycle({ full: true, remote: true });
    await controller.cycle({ full: true, remote: true });
    assert.deepEqual(readdirSync(outside), []);
    assertEqual();
  });
});
