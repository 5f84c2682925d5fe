import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { run, start } from '../../../engine/host/process.ts';
import { BuildWorld } from '../../support/buildWorld.ts';

const GIT_PORT = 28_951;

describe('what COPY and ADD take', () => {
  let world: BuildWorld;
  let server: Server;
  let daemon: ChildProcess | undefined;
  let body = 'version 1';
  let asked = 0;
  before(async () => {
    world = await BuildWorld.create('srcs');
    server = createServer((request, response) => {
      asked += 1;
      if (request.url === '/moved') return void response.writeHead(302, { Location: '/file.txt' }).end();
      if (request.url !== '/file.txt') return void response.writeHead(404).end();
      response.writeHead(200, { 'Last-Modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    server.close();
    daemon?.kill();
    await world.remove();
  });
  const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const find = async (ref: string): Promise<string[]> => (await run('find', ['.', '-mindepth', '1', '-printf', '%p %m\\n'], { cwd: await world.layerFolder(ref) })).stdout.split('\n').filter(Boolean).sort();

  it('--exclude leaves files out, of folders and of what wildcards match', async () => {
    await world.write('exclude', { 'd/a.txt': 'a', 'd/b.md': 'b', 'd/deep/c.txt': 'c', 'd/deep/d.md': 'd', 'x.txt': 'x', 'x.md': 'x', Dockerfile: 'FROM scratch\nCOPY --exclude=*.txt --exclude=**/c.txt d x* /out/\n' });
    await world.build('exclude', { tags: ['exclude'] });
    assert.deepEqual((await find('exclude')).map((line) => line.split(' ')[0]), ['./out', './out/b.md', './out/deep', './out/deep/d.md', './out/x.md']);
  });

  it('--parents keeps the folders above, from the pivot on, and finds files at any depth', async () => {
    await world.write('parents', { 'a/one/x.go': '1', 'a/two/three/y.go': '2', 'a/two/z.c': '3', Dockerfile: 'FROM scratch AS deep\nCOPY --parents a/**/*.go /all/\nFROM scratch AS pivot\nCOPY --parents a/./two/*.c a/./one /p/\n' });
    await world.build('parents', { tags: ['deep'], target: 'deep' });
    assert.deepEqual((await find('deep')).map((line) => line.split(' ')[0]).filter((path) => path?.endsWith('.go')), ['./all/a/one/x.go', './all/a/two/three/y.go']);
    await world.build('parents', { tags: ['pivot'], target: 'pivot' });
    assert.deepEqual((await find('pivot')).map((line) => line.split(' ')[0]), ['./p', './p/one', './p/one/x.go', './p/two', './p/two/z.c']);
  });

  it('triggers bring their documents, and images to copy from', async () => {
    await world.write('tool', { Dockerfile: 'FROM scratch\nCOPY <<EOF /tool\nof the tool\nEOF\n' });
    await world.build('tool', { tags: ['tool'] });
    await world.write('trigger', { Dockerfile: 'FROM debian\nONBUILD COPY --from=tool /tool /tool\nONBUILD RUN <<EOF\ncat /tool > /made\necho second line >> /made\nEOF\n' });
    await world.build('trigger', { tags: ['trigger'] });
    await world.write('triggered', { Dockerfile: 'FROM trigger\n' });
    await world.build('triggered', { tags: ['triggered'] });
    assert.equal(await world.readFile('triggered', 'made'), 'of the tool\nsecond line\n');
  });

  it('--chmod may be symbolic', async () => {
    await world.write('chmod', { 'd/run.sh': '', 'd/data': '', Dockerfile: 'FROM scratch\nCOPY --chmod=u=rwX,go=rX d /d\n' });
    await chmod(join(world.context('chmod'), 'd/run.sh'), 0o700);
    await chmod(join(world.context('chmod'), 'd/data'), 0o600);
    await world.build('chmod', { tags: ['chmod'] });
    assert.deepEqual(await find('chmod'), ['./d 755', './d/data 644', './d/run.sh 755']);
  });

  it('ADD of a URL downloads it, for root alone and as old as the server says, and does again only what changed', async () => {
    await world.write('url', { Dockerfile: `FROM debian\nADD ${url('/moved')} ${url('/file.txt')} /in/\nADD --chmod=644 --checksum=sha256:${createHash('sha256').update('version 1').digest('hex')} ${url('/file.txt')} /as\nRUN cat /as > /copy\n` });
    const first = await world.build('url', { tags: ['url'] });
    assert.equal(await world.readFile('url', 'in/file.txt'), 'version 1');
    assert.equal(await world.readFile('url', 'in/moved'), 'version 1');
    const { stdout } = await run('sh', ['-c', 'stat -c "%a %u %Y" in/file.txt'], { cwd: await world.folderWith('url', 'in/file.txt') });
    assert.equal(stdout, '600 0 1577836800\n');
    const before = asked;
    const again = await world.build('url');
    assert.ok(asked > before);
    assert.equal(again.imageId, first.imageId);
    body = 'version 2';
    await assert.rejects(world.build('url'), { code: 'BUILD_ADD_FAILED', message: /^Dockerfile:3:1: .*digest mismatch/ });
    await world.write('url', { Dockerfile: `FROM debian\nADD ${url('/none')} /x\n` });
    await assert.rejects(world.build('url'), { code: 'BUILD_ADD_FAILED', message: /the server answered 404/ });
    await world.write('url', { Dockerfile: 'FROM debian\nADD http://user:password@127.0.0.1:1/x /x\n' });
    await assert.rejects(world.build('url'), (error: Error & { code?: string }) => error.code === 'BUILD_ADD_FAILED' && !error.message.includes('password'));
    assert.deepEqual(await world.leftovers(), []);
  });

  it('ADD of a Git repository checks it out: a branch, a folder of it, with or without .git', async () => {
    const repository = join(world.root, 'git', 'project.git');
    await mkdir(join(repository, 'sub'), { recursive: true });
    await writeFile(join(repository, 'top'), 'top');
    await writeFile(join(repository, 'sub/inner'), 'inner');
    const git = async (...args: string[]): Promise<string> => (await run('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args])).stdout.trim();
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '.');
    await git('commit', '--quiet', '-m', 'first');
    await git('branch', 'other');
    daemon = start('git', ['daemon', '--export-all', '--reuseaddr', '--listen=127.0.0.1', `--port=${GIT_PORT}`, `--base-path=${join(world.root, 'git')}`], { stdio: 'ignore' });
    await listening(GIT_PORT);
    const address = `git://127.0.0.1:${GIT_PORT}/project.git`;
    const commit = await git('rev-parse', 'HEAD');
    await world.write('git', { Dockerfile: `FROM debian\nADD ${address} /whole\nADD --keep-git-dir --checksum=${commit} ${address}#other /kept\nADD ${address}#main:sub /sub\n` });
    await world.build('git', { tags: ['git'] });
    assert.equal(await world.readFile('git', 'whole/sub/inner'), 'inner');
    await assert.rejects(lstat(join(await world.folderWith('git', 'whole/top'), 'whole/.git')), { code: 'ENOENT' });
    assert.match(await world.readFile('git', 'kept/.git/HEAD'), new RegExp(commit));
    assert.equal(await world.readFile('git', 'sub/inner'), 'inner');
    await world.write('git', { Dockerfile: `FROM debian\nADD ${address} /whole\n` });
    await world.build('git');
    assert.deepEqual((await world.build('git')).cached, true);
    for (const [source, message] of [[`${address}#none`, /none/], [`${address}#main:no`, /has no folder no/], ['ssh://-oProxyCommand=x/y.git', /./]] as const) {
      await world.write('git', { Dockerfile: `FROM debian\nADD ${source} /x\n` });
      await assert.rejects(world.build('git'), (error: Error & { code?: string }) => error.code === 'BUILD_ADD_FAILED' && message.test(error.message));
    }
    assert.deepEqual((await world.leftovers()).filter((line) => !line.includes('git daemon') && !line.includes('git-daemon')), []);
  });
});

async function listening(port: number): Promise<void> {
  for (const end = Date.now() + 10_000; ; ) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    assert.ok(Date.now() < end, 'git daemon does not listen');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
