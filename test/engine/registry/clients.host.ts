import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { TestEngine } from '../../support/engine.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { TestRegistry } from '../../support/registry.ts';
import { tarball } from '../../support/tarball.ts';

const layer = plainLayer(tarball([{ path: 'etc', type: 'directory' }, { path: 'etc/motd', content: 'hello' }]));

describe('registries, by the stock docker CLI and by berth', () => {
  let engine: TestEngine;
  let open: TestRegistry;
  let closed: TestRegistry;
  before(async () => {
    [open, closed] = await Promise.all([TestRegistry.start(), TestRegistry.start({ users: { bob: 'pass-secret' } })]);
    engine = await TestEngine.start({ instance: 'rgcli' });
    const archive = join(engine.root, 'image.tar');
    await writeFile(archive, dockerArchive({ layers: [layer], tags: ['app:1'] }).archive);
    await engine.docker(['load', '-i', archive]);
  });
  after(async () => {
    await engine.remove();
    await Promise.all([open.stop(), closed.stop()]);
  });

  const config = async (): Promise<string> => readFile(join(engine.env['DOCKER_CONFIG'] ?? '', 'config.json'), 'utf8').catch(() => '{}');
  const log = (): Promise<string> => readFile(join(engine.dataRoot, 'engine.log'), 'utf8');
  const credentials = (host: string): string[] => ['login', '-u', 'bob', '--password-stdin', host];

  it('docker push, pull, and manifests that others read', async () => {
    const ref = `${open.host}/team/app:1`;
    await engine.docker(['tag', 'app:1', ref]);
    const pushed = (await engine.docker(['push', ref])).stdout;
    assert.match(pushed, /The push refers to repository \[127\.0\.0\.1:\d+\/team\/app\]/);
    const digest = /1: digest: (sha256:[0-9a-f]{64}) size: \d+/.exec(pushed)?.[1];
    const seen = JSON.parse((await run('skopeo', ['inspect', '--tls-verify=false', `docker://${ref}`])).stdout) as { Digest: string };
    assert.equal(seen.Digest, digest);
    await engine.docker(['rmi', ref]);
    assert.match((await engine.docker(['pull', `${open.host}/team/app@${digest ?? ''}`])).stdout, new RegExp(`Digest: ${digest ?? ''}`));
    assert.match((await engine.docker(['images', '--digests', '--filter', `reference=${open.host}/team/*`])).stdout, new RegExp(digest ?? ''));
    const raw = (await engine.berth(['manifest', 'inspect', ref])).stdout;
    assert.equal((JSON.parse(raw) as { schemaVersion: number }).schemaVersion, 2);
    assert.equal((await engine.berth(['tags', `${open.host}/team/app`])).stdout, '1\n');
    assert.match((await engine.docker(['search', `${open.host}/team`])).stdout, new RegExp(`${open.host}/team/app`));
    assert.match((await engine.berth(['search', `${open.host}/team`])).stdout, /team\/app/);
  });

  it('podman loads what docker save writes, and skopeo what goes back', async () => {
    const archive = join(engine.root, 'saved.tar');
    await engine.docker(['save', '-o', archive, 'app:1']);
    const dirs = ['--root', join(engine.root, 'podman'), '--runroot', join(engine.root, 'podman-run'), '--storage-driver', 'vfs'];
    assert.match((await run('podman', [...dirs, 'load', '-i', archive])).stdout, /app:1/);
    const back = join(engine.root, 'back.tar');
    await run('podman', [...dirs, 'save', '--format', 'oci-archive', '-o', back, 'app:1']);
    assert.match((await engine.docker(['load', '-i', back])).stdout, /Loaded image/);
    await run('podman', [...dirs, 'system', 'reset', '--force'], { okStatus: 'any' });
  });

  it('docker login, push -a and logout', async () => {
    const ref = `${closed.host}/team/app`;
    for (const tag of ['1', '2']) await engine.docker(['tag', 'app:1', `${ref}:${tag}`]);
    await assert.rejects(engine.docker(['push', `${ref}:1`]), /wants a login/);
    await assert.rejects(engine.docker(credentials(closed.host), { input: 'wrong-secret' }), /refused the login/);
    assert.match((await engine.docker(credentials(closed.host), { input: 'pass-secret' })).stdout, /Login Succeeded/);
    const { stdout } = await engine.docker(['push', '-a', ref]);
    assert.match(stdout, /1: digest: sha256.*2: digest: sha256/s);
    assert.equal((await engine.berth(['tags', ref])).stdout, '1\n2\n', 'berth uses the same login');
    await engine.docker(['logout', closed.host]);
    await assert.rejects(engine.berth(['pull', `${ref}:1`]), /REGISTRY_UNAUTHORIZED/);
  });

  it('berth login keeps what else is in config.json, and only its owner reads it', async () => {
    const path = join(engine.env['DOCKER_CONFIG'] ?? '', 'config.json');
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, JSON.stringify({ detachKeys: 'ctrl-a', auths: { 'https://other.example/v1/': { auth: 'eDp5' } } }), { mode: 0o644 });
    assert.match((await engine.berth(credentials(closed.host), { input: 'pass-secret\n' })).stdout, /Login Succeeded/);
    const kept = JSON.parse(await config()) as { detachKeys: string; auths: Record<string, object> };
    assert.deepEqual([kept.detachKeys, Object.keys(kept.auths)], ['ctrl-a', ['https://other.example/v1/', closed.host]]);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await engine.berth(['push', `${closed.host}/team/app:1`]);
    await engine.docker(['pull', `${closed.host}/team/app:1`]);
    await engine.docker(['rmi', `${closed.host}/team/app:1`]);
    await mkdir(join(engine.root, 'project'), { recursive: true });
    await writeFile(join(engine.root, 'project/Dockerfile'), `FROM ${closed.host}/team/app:1\nCOPY Dockerfile /\n`);
    const built = (await engine.berth(['build', '-q', 'project'])).stdout.trim();
    assert.match(await engine.berth(['image', 'diff', `${closed.host}/team/app:1`, built]).then(({ stdout }) => stdout), /^A \/Dockerfile \(\d+ ?B\)\n$/, 'a build uses the login, too');
    assert.match((await engine.berth(['logout', closed.host])).stdout, /Removed/);
    assert.match((await engine.berth(['logout', closed.host])).stdout, /Not logged in/);
    await assert.rejects(engine.berth(['login', closed.host]), /BAD_REQUEST.*|no terminal/);
  });

  it('a credential helper is asked, told and made to forget, without a shell', async () => {
    const bin = join(engine.root, 'bin');
    await mkdir(bin, { recursive: true });
    const helper = join(bin, 'docker-credential-test');
    await writeFile(helper, `#!/bin/sh\nIFS= read -r line\necho "$1 $line" >> ${bin}/calls\ncase "$1" in store) echo "$line" > ${bin}/kept ;; get) [ -f ${bin}/kept ] && cat ${bin}/kept || { echo "credentials not found in native keychain"; exit 1; } ;; erase) rm -f ${bin}/kept ;; esac\n`);
    await chmod(helper, 0o755);
    await writeFile(join(engine.env['DOCKER_CONFIG'] ?? '', 'config.json'), JSON.stringify({ credHelpers: { [closed.host]: 'test' } }));
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const berth = (args: readonly string[], input?: string): Promise<RunResult> => engine.berth(args, { env, ...(input === undefined ? {} : { input }) });
    await assert.rejects(berth(['pull', `${closed.host}/team/app:1`]), /REGISTRY_UNAUTHORIZED/);
    await berth(credentials(closed.host), 'pass-secret');
    assert.equal((await config()).includes('auth"'), false, 'the secret is with the helper');
    await berth(['pull', `${closed.host}/team/app:1`]);
    await berth(['logout', closed.host]);
    await assert.rejects(berth(['pull', `${closed.host}/team/app:1`]), /REGISTRY_UNAUTHORIZED/);
    const calls = (await readFile(join(bin, 'calls'), 'utf8')).trim().split('\n').map((line) => line.split(' ')[0]);
    assert.deepEqual(calls, ['get', 'store', 'get', 'erase', 'get']);
    await writeFile(join(engine.env['DOCKER_CONFIG'] ?? '', 'config.json'), JSON.stringify({ credsStore: '../evil' }));
    await assert.rejects(berth(['pull', `${closed.host}/team/app:1`]), /is no name of one/);
    await writeFile(helper, '#!/bin/sh\necho "pass-secret leaks"; exit 3\n');
    await writeFile(join(engine.env['DOCKER_CONFIG'] ?? '', 'config.json'), JSON.stringify({ credsStore: 'test' }));
    await assert.rejects(berth(['pull', `${closed.host}/team/app:1`]), (error: Error) => /status 3/.test(error.message) && !error.message.includes('leaks'));
  });

  it('no secret is in the log', async () => {
    assert.equal(/pass-secret|wrong-secret|cGFzcy1zZWNyZXQ|Ym9iOn/.test(await log()), false);
  });
});
