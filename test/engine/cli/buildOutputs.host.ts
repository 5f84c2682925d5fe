import assert from 'node:assert/strict';
import { lstat, mkdir, open, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start, run } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { bundle, TestEngine } from '../../support/engine.ts';
import { TestRegistry } from '../../support/registry.ts';

const TREE = `FROM debian AS make
RUN mkdir -p /out/sub/deep /out/locked && echo made > /out/sub/file && ln -s /etc/passwd /out/absolute && ln -s ../../../../etc /out/sub/up && ln /out/sub/file /out/hard \\
 && cp /bin/true /out/suid && chmod 4755 /out/suid && echo x > /out/locked/in && chmod 555 /out/locked && mknod /out/zero c 1 5 && chown -R games:games /out/sub
FROM scratch
COPY --from=make /out /
`;

describe('berth build --output', () => {
  let engine: TestEngine;
  let registry: TestRegistry;

  before(async () => {
    [engine, registry] = await Promise.all([TestEngine.start({ instance: 'boutcli' }), TestRegistry.start()]);
    await engine.docker(['import', await baseTar(), 'debian']);
    for (const [name, text] of [['tree', TREE], ['app', 'FROM debian AS make\nRUN echo app > /app && mkdir /etc/x\nFROM scratch\nCOPY --from=make /app /etc/passwd /\nLABEL a=b\n'], ['big', 'FROM debian\nRUN echo app > /app\n']] as const) {
      await mkdir(join(engine.root, name));
      await writeFile(join(engine.root, name, 'Dockerfile'), text);
    }
  });
  after(async () => {
    await engine.remove();
    await registry.stop();
  });

  const path = (name: string): string => join(engine.root, name);
  const build = (folder: string, ...args: string[]): Promise<RunResult> => engine.berth(['build', '-q', ...args, folder], { okStatus: 'any' });
  const done = async (folder: string, ...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await build(folder, ...args);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  /** The tar that goes to standard output, byte for byte. */
  const toFile = async (file: string, folder: string, env: NodeJS.ProcessEnv = {}, ...args: string[]): Promise<string> => {
    await using handle = await open(path(file), 'w');
    const child = start(process.execPath, [bundle, 'build', '-q', '-o', '-', ...args, folder], { cwd: engine.root, env: { ...engine.env, ...env }, stdio: ['ignore', handle.fd, 'inherit'] });
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
    return path(file);
  };
  const images = async (): Promise<string[]> => (await engine.docker(['images', '-aq', '--no-trunc'])).stdout.trim().split('\n').filter(Boolean);
  const list = async (folder: string): Promise<string[]> => (await run('find', ['.', '-mindepth', '1', '-printf', '%P %y %m\\n'], { cwd: folder })).stdout.trim().split('\n').sort();
  const FILES = ['absolute l 777', 'hard f 644', 'locked d 555', 'locked/in f 644', 'sub d 755', 'sub/deep d 755', 'sub/file f 644', 'sub/up l 777', 'suid f 755'];

  it("writes the last stage's files to a folder, ours, without devices and set-user-ID, and keeps no image", async () => {
    const before_ = await images();
    await done('tree', '-o', 'files');
    assert.deepEqual(await list(path('files')), FILES);
    assert.equal((await lstat(join(path('files'), 'sub/file'))).uid, process.getuid?.());
    assert.deepEqual(await images(), before_);
  });

  it('follows no link of the folder or of the tree, keeps what is there besides, and may be done again', async () => {
    const dest = path('dest');
    const outside = path('outside');
    for (const folder of [dest, outside]) await mkdir(folder);
    await symlink(outside, join(dest, 'sub'));
    await symlink(join(outside, 'victim'), join(dest, 'hard'));
    await writeFile(join(outside, 'victim'), 'untouched');
    await writeFile(join(dest, 'mine'), 'mine');
    for (const _ of [1, 2]) await done('tree', '-o', 'type=local,dest=dest');
    assert.deepEqual([await readdir(outside), await readFile(join(outside, 'victim'), 'utf8'), await readFile(join(dest, 'mine'), 'utf8')], [['victim'], 'untouched', 'mine']);
    assert.deepEqual(await list(dest), [...FILES, 'mine f 644'].sort());
    assert.equal(await readlink(join(dest, 'absolute')), '/etc/passwd'); // as it is in the tree; nothing was written through it
  });

  it('writes a tar with owners, devices and all', async () => {
    const members = (await run('tar', ['-tvf', await toFile('a.tar', 'tree'), '--numeric-owner'])).stdout;
    assert.match(members, /^-rwsr-xr-x 0\/0 .* suid$/m);
    assert.match(members, /^crw-r--r-- 0\/0 .* zero$/m);
    assert.match(members, /^-rw-r--r-- 5\/60 .* hard$/m);
  });

  it('writes archives that others read: a docker archive for docker load, an OCI layout for skopeo', async () => {
    const id = await done('app', '-t', 'kept:1', '-o', 'type=docker,dest=app.tar', '-o', 'type=oci,dest=oci.tar,name=named:2', '-o', 'type=oci,dest=layout,tar=false', '--annotation', 'manifest:org.example.a=1', '--annotation', 'manifest-descriptor:org.example.b=2');
    assert.ok(!(await images()).includes(id));
    assert.match((await engine.docker(['load', '-i', path('app.tar')])).stdout, /Loaded image: kept:1/);
    assert.equal((await engine.docker(['inspect', '-f', '{{.Id}}', 'kept:1'])).stdout.trim(), id);
    for (const source of [`oci-archive:${path('oci.tar')}`, `oci:${path('layout')}`]) {
      const raw = JSON.parse((await run('skopeo', ['inspect', '--raw', source])).stdout) as { config: { digest: string }; annotations: unknown };
      assert.deepEqual([raw.config.digest, raw.annotations], [id, { 'org.example.a': '1' }]);
    }
    const index = JSON.parse(await readFile(join(path('layout'), 'index.json'), 'utf8')) as { manifests: Array<{ annotations: Record<string, string> }> };
    assert.deepEqual([index.manifests[0]?.annotations['org.example.b'], index.manifests[0]?.annotations['io.containerd.image.name']], ['2', 'docker.io/library/kept:1']);
    await engine.docker(['rmi', 'kept:1']);
  });

  it('pushes, and writes down what was pushed', async () => {
    const name = `${registry.host}/pushed:1`;
    const id = await done('app', '-t', name, '--push', '--metadata-file', 'meta.json', '--iidfile', 'id', '--annotation', 'k=v');
    const metadata = JSON.parse(await readFile(path('meta.json'), 'utf8')) as Record<string, unknown>;
    const manifest = await fetch(`http://${registry.host}/v2/pushed/manifests/1`, { headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' } });
    const digest = manifest.headers.get('docker-content-digest');
    const body = (await manifest.json()) as { annotations: unknown; config: { digest: string } };
    assert.deepEqual([body.annotations, body.config.digest, await readFile(path('id'), 'utf8')], [{ k: 'v' }, id, id]);
    assert.deepEqual([metadata['containerimage.digest'], metadata['containerimage.config.digest'], metadata['image.name']], [digest, id, name]);
    assert.equal((await engine.docker(['inspect', '-f', '{{.Id}}', name])).stdout.trim(), id);
    await done('app', '-o', `type=registry,"name=${name}-b,${name}-c"`);
    assert.equal((await fetch(`http://${registry.host}/v2/pushed/manifests/1-c`, { method: 'HEAD', headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' } })).status, 200);
  });

  it('gives all files the time of SOURCE_DATE_EPOCH, and the same tar for it', async () => {
    const [first, second] = await Promise.all(['e1.tar', 'e2.tar'].map((file) => toFile(file, 'app', { SOURCE_DATE_EPOCH: '1600000000' }, '--no-cache')));
    const times = (await run('tar', ['-tvf', first ?? '', '--full-time', '--utc', 'app', 'passwd'])).stdout.trim().split('\n');
    for (const line of times) assert.match(line, / 2020-09-13 12:26:40 /);
    assert.ok((await readFile(first ?? '')).equals(await readFile(second ?? '')));
  });

  it('leaves nothing when the client is killed, and gives up what nobody fetches', async () => {
    const args = ['build', '-q', '-o', 'killed', 'big'];
    const child = start(process.execPath, [bundle, ...args], { cwd: engine.root, env: engine.env, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', resolve));
    for (const end = Date.now() + 60_000; !(await readdir(path('killed')).catch(() => [])).some((name) => name.startsWith('.berth-part-')); ) assert.ok(Date.now() < end && child.exitCode === null, 'nothing was unpacked');
    child.kill('SIGKILL');
    await ended;
    await done('big', '-o', 'killed');
    assert.deepEqual((await readdir(path('killed'))).filter((name) => name.startsWith('.berth')), []);
    assert.equal(await readFile(join(path('killed'), 'app'), 'utf8'), 'app\n');
    for (const end = Date.now() + 20_000; (await readdir(join(engine.dataRoot, 'build-cache/tmp'))).length > 0; await new Promise((resolve) => setTimeout(resolve, 50))) assert.ok(Date.now() < end, 'a view of the files was left');
  });

  it('refuses what makes no sense, with buildx\'s words', async () => {
    const table: Array<[string[], RegExp]> = [
      [['-o', 'dest=x'], /type is required for output/],
      [['-o', 'type=local'], /dest is required for local output/],
      [['-o', 'type=cacheonly2'], /unsupported output type "cacheonly2".*\[BUILD_OUTPUT_TYPE\]/],
      [['--push'], /tag is needed when pushing to registry/],
      [['--push', '-o', 'x'], /push and "x" output can't be used together/],
      [['-o', 'type=tar,dest=tree'], /destination file tree is a directory/],
      [['-o', 'type=local,dest=x,colour=red'], /colour is not supported here/],
      [['--annotation', 'index:a=b'], /index annotations not supported for single platform export/],
      [['--cache-to', 'type=gha'], /caches of type gha are not supported. Those of type registry, local and inline.*\[BUILD_CACHE_TYPE\]/],
      [['--cache-from', 'type=s3,bucket=x'], /\[BUILD_CACHE_TYPE\]/],
    ];
    for (const [flags, expected] of table) {
      const { status, stderr } = await build('app', ...flags);
      assert.equal(status, 1, flags.join(' '));
      assert.match(stderr, expected);
    }
  });
});
