import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { imageInspectSchema, imageSummarySchema } from '../../../engine/api/docker/image.ts';
import type { ImageInspect } from '../../../engine/api/docker/image.ts';
import { indexSchema, manifestSchema } from '../../../engine/content/oci.ts';
import type { Index } from '../../../engine/content/oci.ts';
import { run } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { arm64Emulator, arm64Program } from '../../support/emulator.ts';
import { TestEngine } from '../../support/engine.ts';
import { TestRegistry } from '../../support/registry.ts';

const CROSS = ['FROM --platform=$BUILDPLATFORM debian AS make', 'ARG TARGETPLATFORM', 'ARG BUILDPLATFORM', 'RUN echo "$BUILDPLATFORM makes $TARGETPLATFORM" > /out', 'FROM scratch', 'COPY --from=make /out /out', 'CMD ["/out"]', ''].join('\n');

describe('berth build for other platforms, and what it attests', () => {
  let engine: TestEngine;
  let registry: TestRegistry;

  before(async () => {
    registry = await TestRegistry.start();
    engine = await TestEngine.start({ instance: 'bplat' });
    await engine.docker(['import', await baseTar(), 'debian']);
  });
  after(async () => {
    await registry.stop();
    await engine.remove();
  });

  const folder = async (name: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> => {
    const path = join(engine.root, name);
    await mkdir(path, { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
    return path;
  };
  const berth = (...args: string[]): Promise<RunResult> => engine.berth(args);
  const fails = async (...args: string[]): Promise<string> => {
    const { status, stderr } = await engine.berth(args, { okStatus: 'any' });
    assert.notEqual(status, 0);
    return stderr;
  };
  const inspect = (ref: string, platform?: string): Promise<ImageInspect> => engine.client.json('GET', `/images/${ref}/json`, imageInspectSchema, { query: { platform } });
  /** What a registry has under a name, by another client. */
  const raw = async (name: string): Promise<Index> => indexSchema.parse(JSON.parse((await run('skopeo', ['--insecure-policy', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`])).stdout));
  const json = async (...args: string[]): Promise<Record<string, unknown>> => JSON.parse((await berth(...args)).stdout) as Record<string, unknown>;

  it('what only copies needs no emulator; a RUN that needs one says which, and where', async () => {
    const path = await folder('cross', { Dockerfile: CROSS });
    await berth('build', '-q', '--platform', 'linux/mips64', '-t', 'cross', path);
    assert.equal((await inspect('cross')).Architecture, 'mips64');
    const run = await folder('run', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\nRUN ["/x"]\n' });
    assert.match(await fails('build', '--platform', 'linux/mips64', run), /Dockerfile:3:1: RUN needs programs for linux\/mips64, and this host \(linux\/[a-z0-9]+\) runs none/);
    assert.match(await fails('build', '--platform', 'linux/mine', run), /not a platform/);
  });

  it('several platforms are one image, the same each time; each is had by its platform', async () => {
    const path = await folder('several', { Dockerfile: CROSS });
    const args = ['build', '-q', '--platform', 'linux/amd64,linux/arm64', '--reproducible', '--provenance=mode=max', '--sbom=true', '-t', `${registry.host}/several:1`, path];
    await berth(...args);
    await berth('push', `${registry.host}/several:1`);
    const index = await raw(`${registry.host}/several:1`);
    assert.deepEqual(index.manifests.map(({ platform }) => `${platform?.os ?? ''}/${platform?.architecture ?? ''}`), ['linux/amd64', 'linux/arm64', 'unknown/unknown', 'unknown/unknown']);
    assert.deepEqual(index.manifests.slice(2).map(({ annotations }) => annotations), index.manifests.slice(0, 2).map(({ digest }) => ({ 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' })));
    assert.deepEqual([(await inspect(`${registry.host}/several:1`)).Architecture, (await inspect(`${registry.host}/several:1`, 'linux/arm64')).Architecture], ['amd64', 'arm64']);
    await berth(...args, '--no-cache');
    await berth('push', `${registry.host}/several:1`);
    assert.deepEqual(await raw(`${registry.host}/several:1`), index);
    const { stdout } = await berth('images', '--format', '{{.Repository}}:{{.Tag}}', `${registry.host}/several`);
    assert.deepEqual(stdout.trim().split('\n'), [`${registry.host}/several:1`]);
    // Built again at another time, what was attested before goes with its index.
    const blobs = async (): Promise<number> => (await readdir(join(engine.dataRoot, 'content/blobs/sha256'))).length;
    const build = ['build', '-q', '--platform', 'linux/amd64,linux/arm64', '--provenance', '-t', 'timed', path];
    await berth(...build);
    const count = await blobs();
    await berth(...build);
    assert.equal(await blobs(), count);
  });

  it('what is attested names what is in the registry, byte for byte, and can be read there by others', async () => {
    const index = await raw(`${registry.host}/several:1`);
    const [image, , attestation] = index.manifests;
    const blob = async (digest: string): Promise<string> => (await run('curl', ['-sS', '--fail', `http://${registry.host}/v2/several/blobs/${digest}`])).stdout;
    const manifest = manifestSchema.parse(JSON.parse((await run('curl', ['-sS', '--fail', '-H', `Accept: ${attestation?.mediaType ?? ''}`, `http://${registry.host}/v2/several/manifests/${attestation?.digest ?? ''}`])).stdout));
    assert.deepEqual(manifest.layers.map(({ mediaType, annotations }) => [mediaType, annotations?.['in-toto.io/predicate-type']]), [['application/vnd.in-toto+json', 'https://spdx.dev/Document'], ['application/vnd.in-toto+json', 'https://slsa.dev/provenance/v1']]);
    const statement = JSON.parse(await blob(manifest.layers[1]?.digest ?? '')) as { _type: string; subject: Array<{ name: string; digest: { sha256: string } }> };
    assert.equal(statement._type, 'https://in-toto.io/Statement/v0.1');
    assert.deepEqual(statement.subject, [{ name: `pkg:docker/${registry.host}/several@1?platform=linux%2Famd64`, digest: { sha256: image?.digest.slice(7) } }]);
    assert.deepEqual((JSON.parse(await blob(manifest.config.digest)) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids, manifest.layers.map(({ digest }) => digest));
  });

  it('its provenance and its packages are shown, here and from the registry', async () => {
    const path = await folder('packages', { Dockerfile: 'FROM scratch\nCOPY --from=debian --parents /var/lib/dpkg/status /usr/lib/os-release /\n' });
    await berth('build', '-q', '--sbom', '--provenance', '-t', `${registry.host}/packages:1`, path);
    const here = await json('image', 'sbom', `${registry.host}/packages:1`);
    const names = (here['packages'] as Array<{ name: string; versionInfo: string; externalRefs?: Array<{ referenceLocator: string }> }>);
    const bash = names.find(({ name }) => name === 'bash');
    assert.match(bash?.externalRefs?.[0]?.referenceLocator ?? '', /^pkg:deb\/debian\/bash@5\.2.*\?arch=amd64&distro=debian-12$/);
    assert.ok(names.length > 50);
    await berth('push', `${registry.host}/packages:1`);
    await berth('rmi', '-f', `${registry.host}/packages:1`);
    assert.deepEqual(await json('image', 'sbom', `${registry.host}/packages:1`), here);
    const provenance = await json('image', 'provenance', `${registry.host}/packages:1`);
    const { resolvedDependencies } = provenance['buildDefinition'] as { resolvedDependencies: Array<{ uri: string; digest: { sha256: string } }> };
    assert.match(resolvedDependencies[0]?.uri ?? '', /^pkg:docker\/debian@latest\?platform=linux%2Famd64$/);
    assert.match(resolvedDependencies[0]?.digest.sha256 ?? '', /^[0-9a-f]{64}$/);
    // Of an image of which nothing is attested, what is found in it now.
    const table = (await berth('image', 'sbom', '--table', 'debian')).stdout;
    assert.match(table, /^bash +5\.2\S+ +deb$/m);
    assert.match(await fails('image', 'provenance', 'debian'), /nothing is attested/);
  });

  it('no secret gets into what is attested: neither a secret nor an argument that is called one', async () => {
    const secret = `s3cr3t-${'x'.repeat(20)}`;
    const path = await folder('secret', { value: secret, Dockerfile: 'FROM debian\nARG API_TOKEN\nARG PLAIN\nENV FROM_ARG=$API_TOKEN\nRUN --mount=type=secret,id=s cat /run/secrets/s > /dev/null && echo "$PLAIN" > /plain\n' });
    await berth('build', '-q', '--provenance=mode=max', '--build-arg', `API_TOKEN=token-${secret}`, '--build-arg', 'PLAIN=plain-value', '--secret', `id=s,src=${join(path, 'value')}`, '-t', 'secret', path);
    const text = (await berth('image', 'provenance', 'secret')).stdout;
    assert.ok(!text.includes(secret));
    assert.match(text, /"build-arg:API_TOKEN": "\*\*\*"/);
    assert.match(text, /"build-arg:PLAIN": "plain-value"/);
    const infos = /"data": "([^"]+)"/.exec(text)?.[1] ?? '';
    assert.match(Buffer.from(infos, 'base64').toString(), /ARG PLAIN/);
    const blobs = join(engine.dataRoot, 'content/blobs/sha256');
    for (const name of await readdir(blobs)) {
      const content = await readFile(join(blobs, name), 'utf8');
      // The argument's value is in the image's own history, as it always was; the secret is nowhere.
      if (content.includes('predicateType')) assert.ok(!content.includes(secret), name);
    }
    await berth('build', '-q', '--provenance=mode=min,version=v0.2,builder-id=https://ci.example', '-t', 'min', path, '--secret', `id=s,src=${join(path, 'value')}`, '--build-arg', 'PLAIN=plain-value');
    const min = await json('image', 'provenance', 'min');
    assert.deepEqual(min['builder'], { id: 'https://ci.example' });
    assert.ok(!JSON.stringify(min).includes('plain-value'));
  });

  it('goes out whole: a folder for each platform with what is attested, a layout with the index and its annotations', async () => {
    const path = await folder('out', { Dockerfile: CROSS });
    const at = (...names: string[]): string => join(engine.root, ...names);
    await berth('build', '-q', '--platform', 'linux/amd64,linux/arm64', '--provenance', '-o', `type=local,dest=${at('trees')}`, '-o', `type=oci,dest=${at('whole')},tar=false,name=out:1`, '--annotation', 'index:a=1', '--annotation', 'manifest[linux/arm64]:b=2', '--annotation', 'manifest-descriptor[linux/arm64]:c=3', '--annotation', 'index-descriptor:d=4', path);
    assert.deepEqual((await readdir(at('trees'))).sort(), ['linux_amd64', 'linux_arm64']);
    assert.equal(await readFile(at('trees', 'linux_arm64', 'out'), 'utf8'), 'linux/amd64 makes linux/arm64\n');
    const statement = JSON.parse(await readFile(at('trees', 'linux_arm64', 'provenance.json'), 'utf8')) as { subject: Array<{ name: string }> };
    assert.deepEqual(statement.subject.map(({ name }) => name), ['out']);
    const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(at('whole', file), 'utf8'));
    const [row] = indexSchema.parse(await read('index.json')).manifests;
    assert.equal(row?.annotations?.['d'], '4');
    const index = indexSchema.parse(await read(`blobs/${row?.digest.replace(':', '/') ?? ''}`));
    assert.deepEqual([index['annotations'], index.manifests.length, index.manifests[1]?.annotations], [{ a: '1' }, 4, { c: '3' }]);
    const manifests = await Promise.all(index.manifests.slice(0, 2).map(async ({ digest }) => manifestSchema.parse(await read(`blobs/${digest.replace(':', '/')}`)).annotations));
    assert.deepEqual(manifests, [undefined, { b: '2' }]);
    assert.match(await fails('build', '-q', '--platform', 'linux/amd64,linux/arm64', '-o', `type=local,dest=${at('trees')},platform-split=false`, path), /needs a folder of its own/);
  });

  it('is saved and loaded whole', async () => {
    const ref = `${registry.host}/several:1`;
    const before = await inspect(ref, 'linux/arm64');
    const provenance = await json('image', 'provenance', ref);
    await berth('save', '-o', join(engine.root, 'several.tar'), ref);
    await berth('rmi', '-f', ref);
    assert.match((await berth('load', '-i', join(engine.root, 'several.tar'))).stdout, /Loaded image: /);
    assert.deepEqual((await inspect(ref, 'linux/arm64')).RootFS, before.RootFS);
    assert.deepEqual(await json('image', 'provenance', ref), provenance);
  });

  it('goes into an OCI layout whole, without becoming an image here; into a folder itself for one platform', async () => {
    const path = await folder('several', { Dockerfile: CROSS });
    const [tar, layout] = [join(engine.root, 'out.tar'), join(engine.root, 'layout')];
    await berth('build', '-q', '--platform', 'linux/amd64,linux/arm64', '--provenance', '--output', `type=oci,dest=${tar}`, path);
    await mkdir(layout, { recursive: true });
    await run('tar', ['-xf', tar, '-C', layout]);
    const top = indexSchema.parse(JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')));
    const index = indexSchema.parse(JSON.parse(await readFile(join(layout, 'blobs/sha256', top.manifests[0]?.digest.slice(7) ?? ''), 'utf8')));
    assert.deepEqual(index.manifests.map(({ platform }) => platform?.architecture), ['amd64', 'arm64', 'unknown', 'unknown']);
    for (const { digest } of index.manifests) await readFile(join(layout, 'blobs/sha256', digest.slice(7)));
    await berth('build', '-q', '--platform', 'linux/arm64', '--output', join(engine.root, 'files'), path);
    assert.equal(await readFile(join(engine.root, 'files/out'), 'utf8'), 'linux/amd64 makes linux/arm64\n');
  });

  it('a RUN is done by an emulator where there is one, and the image of another platform is chosen from a registry', async () => {
    const path = await folder('emulated', { program: arm64Program(), Dockerfile: 'FROM scratch\nCOPY program /program\nRUN ["/program"]\n' });
    await chmod(join(path, 'program'), 0o755);
    await using _emulator = await arm64Emulator();
    await berth('build', '-q', '--platform', 'linux/arm64', '-t', 'emulated', path);
    assert.equal((await inspect('emulated')).Architecture, 'arm64');
    await berth('build', '-q', '-t', 'look', await folder('look', { Dockerfile: `FROM --platform=linux/arm64 ${registry.host}/several:1 AS arm\nFROM debian\nCOPY --from=emulated /made /made\nCOPY --from=arm /out /out\n` }));
    assert.equal((await engine.docker(['run', '--rm', 'look', 'cat', '/made', '/out'])).stdout, '/madelinux/amd64 makes linux/arm64\n');
    await berth('run', '--rm', '--platform', 'linux/arm64', 'emulated', '/program');
  });

  it('leaves no image without a name, and nothing that no image names', async () => {
    // What a registry has for another platform has no name here, as its name is this host's.
    const dangling = await engine.client.json('GET', '/images/json', z.array(imageSummarySchema), { query: { filters: '{"dangling":["true"]}' } });
    assert.deepEqual(dangling.map(({ RepoDigests }) => RepoDigests?.map((name) => name.split('@')[0])), [[`${registry.host}/several`]]);
    await berth('system', 'check');
  });
});
