import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buildEventSchema } from '../../../engine/api/berth/build.ts';
import { run, start } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { bundle, TestEngine } from '../../support/engine.ts';
import { commitAll, serveFiles, serveRepositories } from '../../support/fileServer.ts';
import { onTerminal } from '../../support/terminal.ts';

const GIT_PORT = 28_953;

describe('berth build', () => {
  let engine: TestEngine;
  let daemon: ChildProcess | undefined;

  before(async () => {
    engine = await TestEngine.start({ instance: 'clibld' });
    await engine.docker(['import', await baseTar(), 'debian']);
  });
  after(async () => {
    daemon?.kill();
    await engine.remove();
  });

  const folder = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
    const path = join(engine.root, name);
    await mkdir(path, { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
    return path;
  };
  const inImage = async (id: string, path: string): Promise<string> => (await engine.docker(['run', '--rm', id, 'cat', path])).stdout;
  const build = (args: readonly string[], input?: string): Promise<RunResult> => engine.berth(['build', ...args], { okStatus: 'any', ...(input === undefined ? {} : { input }) });
  const idOf = ({ stdout, stderr, status }: RunResult): string => {
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };

  it('takes the Dockerfile from standard input, with a folder and without', async () => {
    const path = await folder('stdin', { 'a.txt': 'of the folder' });
    assert.equal(await inImage(idOf(await build(['-q', '-f', '-', path], 'FROM debian\nCOPY a.txt /a\n')), '/a'), 'of the folder');
    assert.equal(await inImage(idOf(await build(['-q', '-'], 'FROM debian\nRUN echo alone > /a\n')), '/a'), 'alone\n');
    assert.match((await build(['-'], 'FROM debian\nCOPY a.txt /a\n')).stderr, /Dockerfile:2:1: COPY failed: file not found in build context/);
    assert.match((await build(['-f', 'x', '-'], 'FROM debian\n')).stderr, /there is no --file/);
    await run('tar', ['-cf', join(engine.root, 'c.tar'), '-C', path, '.']);
    assert.match((await build(['-'], await readFile(join(engine.root, 'c.tar'), 'latin1'))).stderr, /standard input is an archive/);
  });

  it('takes named contexts, and sends of their folders what changed where the engine is elsewhere', async () => {
    const path = await folder('naming', { Dockerfile: 'FROM debian\nCOPY --from=lib a.txt /a\n' });
    const lib = await folder('library', { 'a.txt': 'one', '.dockerignore': 'b.txt\n', 'b.txt': 'not sent' });
    const args = ['-q', '--build-context', `lib=${lib}`, path];
    assert.equal(await inImage(idOf(await build(args)), '/a'), 'one');
    const sent = await build(['--send-context', ...args]);
    assert.equal(await inImage(idOf(sent), '/a'), 'one');
    assert.match(sent.stderr, /context lib: 2 changed, /);
    await folder('library', { 'a.txt': 'two' });
    const again = await build(['--send-context', ...args]);
    assert.match(again.stderr, /context lib: 1 changed, /);
    assert.equal(await inImage(idOf(again), '/a'), 'two');
    assert.match((await build(['--build-context', 'lib', path])).stderr, /expected NAME=VALUE/);
  });

  it('takes named contexts from Git repositories and archives, by the addresses of a web server and of Git’s own', async () => {
    const lib = await folder('far/lib', { 'a.txt': 'of the root' });
    await folder('far/lib/sub', { 'a.txt': 'of the folder' });
    await commitAll(lib, 'branch');
    await run('tar', ['-czf', join(engine.root, 'far/lib.tgz'), '-C', lib, 'a.txt']);
    await using repositories = await serveRepositories(join(engine.root, 'far'));
    await using files = await serveFiles(join(engine.root, 'far'));
    const path = await folder('nearby', { Dockerfile: 'FROM debian\nRUN --mount=from=one,target=/m cat /m/a.txt > /one\nCOPY --from=two a.txt /two\nCOPY --from=three a.txt /three\n' });
    await rename(lib, `${lib}.git`);
    const address = repositories.url('/lib.git');
    const id = idOf(await build(['-q', '--build-context', `one=${address}#branch`, '--build-context', `two=${address}?branch=branch&subdir=sub`, '--build-context', `three=${files.url('/lib.tgz')}`, path]));
    assert.deepEqual(await Promise.all(['/one', '/two', '/three'].map((file) => inImage(id, file))), ['of the root', 'of the folder', 'of the root']);
    assert.match((await build(['-f', '-', '--build-context', `one=${address}#none`, path], 'FROM debian\nCOPY --from=one a.txt /\n')).stderr, /--build-context one: .*none.*\[BUILD_CONTEXT_INVALID\]/);
  });

  it('takes an archive and a Dockerfile alone from a web server', async () => {
    const path = await folder('web', { dockerfile: 'FROM debian\nCOPY a.txt /a\nRUN grep -c web.test /etc/hosts > /hosts\n', 'a.txt': 'of the archive', alone: 'FROM debian\nRUN echo alone > /a\n' });
    await run('tar', ['-cJf', join(path, 'context'), '-C', path, 'dockerfile', 'a.txt']);
    await using files = await serveFiles(path);
    const id = idOf(await build(['-q', '--add-host', 'web.test=10.1.2.3', files.url('/context')]));
    assert.deepEqual([await inImage(id, '/a'), await inImage(id, '/hosts')], ['of the archive', '1\n']);
    const alone = await build(['-q', '-t', 'alone', '--provenance', files.url('/alone')]);
    assert.equal(await inImage(idOf(alone), '/a'), 'alone\n');
    const attested = (await engine.berth(['image', 'provenance', 'alone'])).stdout;
    assert.ok(attested.includes(files.url('/alone')) && attested.includes(createHash('sha256').update(await readFile(join(path, 'alone'))).digest('hex')), attested);
    assert.equal(idOf(await build(['-q', '--add-host', 'web.test=10.1.2.4', path])), id, 'a folder with the same files is the same context');
    for (const [args, message] of [[['--sbom', 'much', path], /--sbom much: expected --sbom=true or false/], [['--add-host', 'web.test', path], /--add-host web\.test: expected NAME:ADDRESS/], [['-f', '-', files.url('/alone')], /is a Dockerfile, and another one was given/]] as const) assert.match((await build(args, 'FROM debian\n')).stderr, message);
  });

  it('takes a branch and a folder of a Git repository', async () => {
    const path = await folder('repositories/app', { Dockerfile: 'FROM debian\nCOPY which /which\n', which: 'main' });
    const git = (...args: string[]): Promise<unknown> => run('git', ['-C', path, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
    await git('init', '-q', '-b', 'main');
    await git('add', '.');
    await git('commit', '-qm', 'one');
    await git('checkout', '-qb', 'other');
    await folder('repositories/app/sub', { Dockerfile: 'FROM debian\nCOPY which /which\n', which: 'folder' });
    await git('add', '.');
    await git('commit', '-qm', 'two');
    await git('checkout', '-q', 'main');
    daemon = start('git', ['daemon', '--reuseaddr', '--export-all', '--listen=127.0.0.1', `--port=${GIT_PORT}`, `--base-path=${join(engine.root, 'repositories')}`], { stdio: 'ignore' });
    await listening();
    const url = `git://127.0.0.1:${GIT_PORT}/app`;
    assert.equal(await inImage(idOf(await build(['-q', url])), '/which'), 'main');
    assert.equal(await inImage(idOf(await build(['-q', `${url}#other:sub`])), '/which'), 'folder');
    const { stderr, status } = await build([`${url}#missing`]);
    assert.deepEqual([status, /The build context cannot be read: git:.*missing/.test(stderr)], [1, true], stderr);
  });

  it('does the steps of chosen stages again', async () => {
    const path = await folder('filter', { Dockerfile: 'FROM debian AS one\nRUN date +%N > /one\nFROM debian AS two\nRUN date +%N > /two\nFROM debian\nCOPY --from=one /one /one\nCOPY --from=two /two /two\n' });
    const first = idOf(await build(['-q', path]));
    const second = idOf(await build(['-q', '--no-cache-filter', 'Two', path]));
    assert.equal(await inImage(second, '/one'), await inImage(first, '/one'));
    assert.notEqual(await inImage(second, '/two'), await inImage(first, '/two'));
  });

  it('tells what it does as plain lines or as events, and writes down what it made', async () => {
    const path = await folder('progress', { Dockerfile: 'FROM debian\nRUN echo hello\n' });
    const json = await build(['--progress=json', '-t', 'told:1', '--metadata-file', join(engine.root, 'metadata.json'), path]);
    const events = json.stderr.trim().split('\n').map((line) => buildEventSchema.parse(JSON.parse(line)));
    assert.deepEqual([events[0]?.type, events.at(-1)?.type], ['plan', 'result']);
    assert.deepEqual(JSON.parse(await readFile(join(engine.root, 'metadata.json'), 'utf8')), { 'containerimage.config.digest': idOf(json), 'image.name': 'told:1' });
    assert.match((await build(['--progress=plain', '--no-cache', path])).stderr, /^#2 hello$/m);
    assert.equal((await build(['--progress=quiet', path])).stderr, '');
    assert.match((await build(['--progress=loud', path])).stderr, /--progress loud: expected auto/);
  });

  it('is a picture on a terminal, and says at the end why it failed, and where', async () => {
    const path = await folder('picture', { Dockerfile: 'FROM debian\nRUN echo seen && sleep 0.4\nRUN echo last words && exit 3\nLABEL a=b\n' });
    const failed = [/RUN echo last words && exit 3:\r?\nlast words\r?\n------/, /Dockerfile:3\r?\n-+\r?\n 1 \|     FROM debian\r?\n.*\r?\n 3 \| >>> RUN echo last words/];
    const { screen, status } = await onTerminal([process.execPath, bundle, 'build', path], [], { cwd: engine.root, env: engine.env });
    assert.equal(status, 1);
    assert.match(screen, /\[\+\] Building \d+\.\ds \(2\/4\)[^]*=> => # seen[^]*\u001b\[\d+A[^]*\(4\/4\) +FAILED[^]*ERROR \[0 3\/4\]/);
    const plain = await build(['--progress=plain', path]);
    for (const expected of [...failed, /\[BUILD_STEP_FAILED\]/]) {
      assert.match(screen, expected);
      assert.match(plain.stderr, expected);
    }
  });

  it('--check exits with 1 when something is odd, and shows where', async () => {
    const odd = await build(['--check', await folder('odd', { Dockerfile: 'FROM debian AS Odd\nRUN exit 1\n' })]);
    assert.deepEqual([odd.status, odd.stdout.split('\n')[0]], [1, 'Check complete, 1 warning has been found!']);
    assert.match(odd.stdout, /WARNING: StageNameCasing.*\n.*\nDockerfile:1:16\n-+\n 1 \| >>> FROM debian AS Odd\n/);
    const fine = await build(['--check', await folder('fine', { Dockerfile: 'FROM debian\n' })]);
    assert.deepEqual([fine.status, fine.stdout], [0, 'Check complete, no warnings found.\n']);
  });

  it('--check-reproducible names the files that differ', async () => {
    const same = await build(['-q', '--check-reproducible', await folder('same', { Dockerfile: 'FROM debian\nRUN echo x > /x\n' })]);
    assert.match(same.stdout, /^The same image both times: sha256:[0-9a-f]{64}\n$/);
    const other = await build(['-q', '--check-reproducible', await folder('other', { Dockerfile: 'FROM debian\nRUN date +%N > /when && echo x > /x\n' })]);
    assert.equal(other.status, 1);
    assert.match(other.stdout, /^The two builds differ .*\nC \/when \(content\)\n$/);
  });
});

async function listening(): Promise<void> {
  for (const end = Date.now() + 15_000; ; ) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(GIT_PORT, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.unref();
      socket.once('connect', () => socket.destroy());
    });
    if (connected) return;
    assert.ok(Date.now() < end, 'git daemon does not listen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
