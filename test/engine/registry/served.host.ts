import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quietContext } from '../../../engine/base/context.ts';
import { run, start } from '../../../engine/host/process.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { BreakingProxy } from '../../support/breakingProxy.ts';
import { TestEngine } from '../../support/engine.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { ServedRegistryProcess } from '../../support/servedRegistry.ts';
import { tarball } from '../../support/tarball.ts';

const small = plainLayer(tarball([{ path: 'etc', type: 'directory' }, { path: 'etc/motd', content: 'hello' }]));

/** Debian's own Docker, without networks, on folders of the test's. */
async function startDocker(root: string): Promise<{ docker: (args: readonly string[]) => Promise<{ stdout: string }>; stop: () => Promise<void> }> {
  const socket = join(root, 'd.sock');
  const child = start('dockerd', ['--data-root', join(root, 'data'), '--exec-root', join(root, 'exec'), '-p', join(root, 'pid'), '-H', `unix://${socket}`, '--bridge', 'none', '--iptables=false', '--storage-driver', 'vfs'], { stdio: 'ignore' });
  const closed = once(child, 'close');
  const docker = (args: readonly string[]) => run('docker', args, { env: { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: root } });
  for (const end = Date.now() + 60_000; ; await delay(100)) {
    if (existsSync(socket) && (await docker(['version']).then(() => true, () => false))) break;
    if (Date.now() > end || child.exitCode !== null) throw new Error('dockerd did not come up');
  }
  return {
    docker,
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

describe('berth registry serve, and the tools that people have', () => {
  let engine: TestEngine;
  let id: string;
  before(async () => {
    engine = await TestEngine.start({ instance: 'rgsrv' });
    const archive = join(engine.root, 'image.tar');
    const made = dockerArchive({ layers: [small], tags: ['team/app:1'], config: { config: { Env: ['A=1'] } } });
    id = made.id;
    await writeFile(archive, made.archive);
    await engine.docker(['load', '-i', archive]);
    const context = join(engine.root, 'several');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nARG TARGETPLATFORM\nLABEL for=$TARGETPLATFORM\nCOPY Dockerfile /\n');
    await engine.berth(['build', '-q', '--platform', 'linux/amd64,linux/arm64', '--provenance', '-t', 'team/several:1', context]);
  });
  after(() => engine.remove());

  it('docker, podman and skopeo pull what is here, and what they push is here then', async () => {
    const registry = await ServedRegistryProcess.start(engine, ['--write']);
    const folder = join(engine.root, 'docker');
    await mkdir(folder);
    const { docker, stop } = await startDocker(folder);
    const podmanDirs = ['--root', join(engine.root, 'podman'), '--runroot', join(engine.root, 'podman-run'), '--storage-driver', 'vfs'];
    const podman = (args: readonly string[]): Promise<{ stdout: string }> => run('podman', [...podmanDirs, ...args]);
    try {
      const ref = `${registry.host}/team/app:1`;
      await docker(['pull', ref]);
      assert.equal((await docker(['images', '-q', '--no-trunc', ref])).stdout.trim(), id, 'docker has the same image');
      await podman(['pull', '--tls-verify=false', ref]);
      assert.equal(`sha256:${(await podman(['images', '-q', '--no-trunc', ref])).stdout.trim().replace(/^sha256:/, '')}`, id);
      const seen = JSON.parse((await run('skopeo', ['inspect', '--tls-verify=false', `docker://${ref}`])).stdout) as { Layers: string[]; RepoTags: string[] };
      assert.deepEqual([seen.Layers, seen.RepoTags], [[small.diffId], ['1']]);

      // Of an index its readers get what they are, or all of it.
      const several = `${registry.host}/team/several:1`;
      for (const platform of ['linux/arm64', 'linux/amd64']) {
        await docker(['pull', '--platform', platform, several]);
        assert.equal((await docker(['image', 'inspect', '-f', '{{.Os}}/{{.Architecture}} {{.Config.Labels.for}}', several])).stdout.trim(), `${platform} ${platform}`);
      }
      await run('skopeo', ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', `docker://${several}`, `oci:${join(engine.root, 'copied')}:1`]);
      const index = JSON.parse((await run('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${several}`])).stdout) as { manifests: Array<{ platform: { architecture: string }; annotations?: Record<string, string>; digest: string }> };
      assert.deepEqual(index.manifests.map((one) => one.platform.architecture), ['amd64', 'arm64', 'unknown', 'unknown']);
      assert.deepEqual(index.manifests.slice(2).map((one) => one.annotations?.['vnd.docker.reference.digest']), index.manifests.slice(0, 2).map((one) => one.digest), 'what is attested is attested of what is served');

      // A client that sees that all of it is there pushes nothing but the index.
      const manifests = `${registry.url}/v2/team/several/manifests`;
      const raw = await fetch(`${manifests}/1`);
      const pushed = await fetch(`${manifests}/2`, { method: 'PUT', headers: { 'Content-Type': raw.headers.get('content-type') ?? '' }, body: await raw.text() });
      assert.equal(pushed.status, 201, await pushed.text());
      const [one, two] = await Promise.all(['1', '2'].map(async (tag) => (await engine.docker(['images', '-q', '--no-trunc', `team/several:${tag}`])).stdout));
      assert.equal(two, one);

      await docker(['tag', ref, `${registry.host}/by/docker:2`]);
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec((await docker(['push', `${registry.host}/by/docker:2`])).stdout)?.[1];
      await podman(['push', '--tls-verify=false', ref, `${registry.host}/by/podman:3`]);
      await run('skopeo', ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false', '--dest-compress-format', 'zstd', '--dest-compress', '--format', 'oci', `docker://${ref}`, `docker://${registry.host}/by/skopeo:4`]);
      for (const name of ['by/docker:2', 'by/podman:3', 'by/skopeo:4']) assert.equal((await engine.docker(['images', '-q', '--no-trunc', name])).stdout.trim(), id, name);
      // Its digest holds, and its bytes as they were pushed, though the layer is stored unpacked too.
      await docker(['rmi', '-f', ref, `${registry.host}/by/docker:2`]);
      await docker(['pull', `${registry.host}/by/docker@${digest ?? ''}`]);
      assert.match((await fetch(`${registry.url}/v2/_catalog`).then((one) => one.text())), /"by\/docker","by\/podman","by\/skopeo","team\/app","team\/several"/);

      // A name that moves here moves there; one that is removed is gone.
      await engine.docker(['rmi', 'by/docker:2']);
      assert.equal((await fetch(`${registry.url}/v2/by/docker/manifests/2`)).status, 404);
      assert.equal((await fetch(`${registry.url}/v2/by/podman/manifests/3`)).status, 200);
    } finally {
      await podman(['system', 'reset', '--force']).catch(() => undefined);
      await stop();
      await registry.stop();
    }
    assert.match(registry.log(), /127\.0\.0\.1 GET \/v2\/team\/app\/manifests\/1 200/);
  });

  it('asks for users’ passwords over TLS, and is only read from unless it is told otherwise', async () => {
    const folder = join(engine.root, 'tls');
    await mkdir(folder);
    const authority = await makeAuthority(folder);
    const { cert, key } = await authority.issue('server');
    const users = join(folder, 'users');
    await writeFile(users, (await run('htpasswd', ['-Bbn', 'bob', 'pass-secret'])).stdout);
    const registry = await ServedRegistryProcess.start(engine, ['--tls-cert', cert, '--tls-key', key, '--htpasswd', users]);
    const client = await ImageWorld.create();
    try {
      const certs = join(folder, 'certs.d', registry.host);
      await mkdir(certs, { recursive: true });
      await writeFile(join(certs, 'ca.crt'), await readFile(authority.ca));
      const skopeo = (args: readonly string[]): Promise<{ stdout: string }> => run('skopeo', ['--insecure-policy', ...args]);
      const ref = `docker://${registry.host}/team/app:1`;
      await assert.rejects(skopeo(['inspect', '--cert-dir', certs, ref]), /authentication required|unauthorized/i);
      await assert.rejects(skopeo(['inspect', '--cert-dir', certs, '--creds', 'bob:wrong-secret', ref]), /authentication required|unauthorized|invalid username/i);
      await assert.rejects(skopeo(['inspect', '--creds', 'bob:pass-secret', ref]), /certificate/);
      await skopeo(['inspect', '--cert-dir', certs, '--creds', 'bob:pass-secret', ref]);
      await assert.rejects(skopeo(['copy', '--src-cert-dir', certs, '--dest-cert-dir', certs, '--src-creds', 'bob:pass-secret', '--dest-creds', 'bob:pass-secret', ref, `docker://${registry.host}/new:1`]), /denied|only read from/i);
      // Berth's own client, too.
      await mkdir(join(client.root, 'settings'), { recursive: true });
      await run('cp', ['-r', join(folder, 'certs.d'), join(client.root, 'settings')]);
      const credentials = { username: 'bob', password: 'pass-secret' };
      assert.equal((await client.images.pull(`${registry.host}/team/app:1`, { credentials }, quietContext)).id, id);
      assert.equal(await client.registries.login(registry.host, credentials, quietContext.signal), undefined);
      await assert.rejects(client.remote.push(`${registry.host}/team/app:1`, { credentials: { ...credentials, password: 'other' } }, quietContext), { code: 'REGISTRY_UNAUTHORIZED' });
      assert.equal(/secret|Ym9i/.test(registry.log()), false);
    } finally {
      await client.remove();
      await registry.stop();
    }
    await writeFile(users, 'bob:{SHA}abc\n');
    await assert.rejects(ServedRegistryProcess.start(engine, ['--htpasswd', users]), /has no bcrypt hash/);
    await assert.rejects(ServedRegistryProcess.start(engine, ['--tls-cert', cert]), /both --tls-cert and --tls-key/);
  });

  it('an upload goes on where its connection broke, even when the engine was killed meanwhile', async () => {
    const registry = await ServedRegistryProcess.start(engine, ['--write']);
    const proxy = await BreakingProxy.start(registry.host);
    const client = await ImageWorld.create();
    try {
      const large = plainLayer(tarball([{ path: 'data', content: Buffer.from((await run('openssl', ['rand', '-hex', '6000000'])).stdout, 'hex') }, { path: 'more', content: (await run('openssl', ['rand', '-base64', '6000000'])).stdout }]));
      await writeFile(join(client.root, 'image.tar'), dockerArchive({ layers: [large], tags: [`${proxy.host}/big:1`] }).archive);
      await client.load(join(client.root, 'image.tar'));
      const breaks = [6_000_000, 1_500_000];
      let kills = 1;
      proxy.harm = ({ method }) => {
        const breakBodyAfter = method === 'PATCH' ? breaks.shift() : undefined;
        if (breakBodyAfter !== undefined) return { breakBodyAfter };
        if (method === 'GET' && kills-- > 0) void engine.kill();
        return undefined;
      };
      await client.remote.push(`${proxy.host}/big:1`, {}, quietContext);
      const sent = proxy.seen.filter(({ method }) => method === 'PATCH').reduce((sum, one) => sum + one.received, 0);
      assert.ok(sent < 15_500_000, `${sent} bytes were sent: 12 million of the layer, and what was on its way at the breaks`);
      assert.equal((await engine.docker(['inspect', '-f', '{{index .RootFS.Layers 0}}', 'big:1'])).stdout.trim(), large.diffId);
    } finally {
      proxy.close();
      await client.remove();
      await registry.stop();
    }
  });
});
