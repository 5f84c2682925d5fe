import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheMediaTypes } from '../../../engine/content/buildCache.ts';
import type { CacheDocument } from '../../../engine/content/buildCache.ts';
import { mediaTypes } from '../../../engine/content/oci.ts';
import type { BuildRequest } from '../../../engine/build/request.ts';
import { BuildWorld } from '../../support/buildWorld.ts';
import type { TestBuild } from '../../support/buildWorld.ts';
import { TestRegistry } from '../../support/registry.ts';

const DOCKERFILE = `FROM debian AS tools
COPY tool.txt /tool/in
RUN echo tools-ran && cp /tool/in /tool/out
FROM debian
WORKDIR /srv/app
ENV A=1
COPY app.txt .
RUN echo app-ran && cat app.txt > made
COPY --from=tools /tool/out /tool
RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last
`;

const ACCEPT = { Accept: mediaTypes.ociManifest };

/** What a build of everything does, in the order of the Dockerfile. */
const ALL = ['COPY tool.txt /tool/in', 'RUN echo tools-ran && cp /tool/in /tool/out', 'WORKDIR /srv/app', 'COPY app.txt .', 'RUN echo app-ran && cat app.txt > made', 'COPY --from=tools /tool/out /tool', 'RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last'];

/** One engine builds and keeps its steps in a registry; others, which have nothing, take them. */
describe('a build cache in a registry', () => {
  let registry: TestRegistry;
  let mine: BuildWorld;
  let theirs: BuildWorld;

  before(async () => {
    registry = await TestRegistry.start();
    [mine, theirs] = await Promise.all([BuildWorld.create('boutca'), BuildWorld.create('boutcb')]);
    for (const world of [mine, theirs]) await world.write('app', { Dockerfile: DOCKERFILE, 'tool.txt': 'tool', 'app.txt': 'app' });
  });
  after(async () => {
    await Promise.all([mine.remove(), theirs.remove()]);
    await registry.stop();
  });

  const name = (tag: string): string => `${registry.host}/cache/app:${tag}`;
  const from = (tag: string): Pick<BuildRequest, 'cacheFrom'> => ({ cacheFrom: [{ type: 'registry', ref: name(tag) }] });
  const to = (tag: string, mode: 'min' | 'max'): Pick<BuildRequest, 'cacheTo'> => ({ cacheTo: [{ type: 'registry', ref: name(tag), mode, ignoreError: false }] });
  const warnings = (build: TestBuild): string[] => build.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  /** As an engine that has the base image and nothing else. */
  const forget = async (world: BuildWorld, ...images: string[]): Promise<void> => {
    for (const image of images) await world.removeImage(image);
    await world.service.prune();
  };

  it('gives an engine without anything every step, and the same image', async () => {
    const first = await mine.build('app', to('max', 'max'));
    assert.deepEqual(first.ran(), ALL);
    const second = await theirs.build('app', from('max'));
    assert.deepEqual([second.ran(), second.output, second.imageId], [[], '', first.imageId]);
    assert.equal(await theirs.readFile(second.imageId, 'srv/app/last'), 'tool');
    await forget(theirs, second.imageId);
  });

  it('is asked again from a changed step on, and only layers that are needed are fetched', async () => {
    await theirs.write('app', { 'app.txt': 'changed' });
    const build = await theirs.build('app', from('max'));
    assert.deepEqual(build.ran(), ['COPY app.txt .', 'RUN echo app-ran && cat app.txt > made', 'COPY --from=tools /tool/out /tool', 'RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last']);
    assert.equal(await theirs.readFile(build.imageId, 'srv/app/made'), 'changed');
    await theirs.write('app', { 'app.txt': 'app' });
    await forget(theirs, build.imageId);
  });

  it('does not fetch the layers of a stage whose files a cached step has', async () => {
    const build = await theirs.build('app', from('max'));
    const fetched = build.events.filter((event) => event.type === 'progress' && event.status.startsWith('Fetching')).length;
    assert.equal(fetched, 5); // WORKDIR, COPY, RUN, COPY --from, RUN; none of the other stage's two
    await forget(theirs, build.imageId);
  });

  it('of mode min has the image\'s own steps, for which no other stage is needed', async () => {
    await mine.build('app', to('min', 'min'));
    const { document } = await read('min');
    assert.deepEqual([document.records.length, document.layers.length], [5, 5]);
    const build = await theirs.build('app', from('min'));
    assert.deepEqual(build.ran(), []);
    await forget(theirs, build.imageId);
    // Behind a stage that has to be made anew, what it makes decides.
    await theirs.write('app', { Dockerfile: DOCKERFILE.replace('echo tools-ran', 'echo other-words') });
    const other = await theirs.build('app', from('min'));
    assert.deepEqual(other.ran(), ['COPY tool.txt /tool/in', 'RUN echo other-words && cp /tool/in /tool/out', 'RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last']);
    await theirs.write('app', { Dockerfile: DOCKERFILE });
    await forget(theirs, other.imageId);
  });

  it('is passed on whole by an engine that took everything from it, and fetched nothing of other stages', async () => {
    const build = await theirs.build('app', { ...from('max'), ...to('again', 'max') });
    assert.deepEqual(build.ran(), []);
    const keys = async (tag: string): Promise<string[]> => (await read(tag)).document.records.map(({ keys: [first] }) => first ?? '').sort();
    assert.deepEqual(await keys('again'), await keys('max'));
    await forget(theirs, build.imageId);
  });

  it('does not take the place of steps that are to be done again, nor of what is behind them', async () => {
    const build = await theirs.build('app', { ...from('max'), noCacheFilter: ['tools'] });
    assert.deepEqual(build.ran(), ['COPY tool.txt /tool/in', 'RUN echo tools-ran && cp /tool/in /tool/out', 'RUN --mount=type=bind,from=tools,source=/tool,target=/t echo last-ran && cat /t/out > last']); // COPY: the files are the same
    await forget(theirs, build.imageId);
  });

  it('that promises layers which it does not give, or gives others, is left out with a warning', async () => {
    const { manifest, document } = await read('max');
    const [last, first] = document.layers.toReversed();
    const lies: Array<[string, object, object, RegExp]> = [
      ['swapped', manifest, { ...document, layers: [...document.layers.slice(0, -2), last, first] }, /does not give the layer.*not what its digest says/],
      ['longer', manifest, { ...document, layers: [...document.layers, first] }, /is no build cache/],
      ['outside', manifest, { ...document, records: [{ ...document.records[0], layers: [99] }] }, /is no build cache/],
      ['nonsense', manifest, { version: 1, layers: 'none' }, /is no build cache/],
    ];
    for (const [tag, changed, told, expected] of lies) {
      await write(tag, changed, told);
      const build = await theirs.build('app', from(tag));
      assert.match(warnings(build).join(), expected, tag);
      assert.equal(await theirs.readFile(build.imageId, 'srv/app/last'), 'tool');
      assert.equal(build.ran().at(-1), ALL.at(-1));
      await forget(theirs, build.imageId);
    }
    const lost = join(registry.folder, 'data/docker/registry/v2/blobs/sha256', manifest.layers.at(-1)?.digest.replace(/^sha256:(..)(.*)$/, '$1/$1$2/data') ?? '');
    await rename(lost, `${lost}.away`);
    const build = await theirs.build('app', from('max'));
    await rename(`${lost}.away`, lost);
    assert.match(warnings(build).join(), /does not give the layer/);
    assert.equal(await theirs.readFile(build.imageId, 'srv/app/last'), 'tool');
    await forget(theirs, build.imageId);
    assert.deepEqual(await theirs.leftovers(), []);
  });

  it('that lies about what a step makes is believed by builds that name it, and by no other', async () => {
    const { manifest, document } = await read('max');
    const lie = document.records.map((record) => (record.made && record.layers.length === 3 ? { ...record, layers: [...record.layers.slice(0, 2), document.layers.length - 1] } : record));
    await write('lying', manifest, { ...document, records: lie });
    const misled = await theirs.build('app', from('lying'));
    assert.deepEqual(misled.ran(), []);
    const honest = await theirs.build('app');
    assert.deepEqual(honest.ran(), ALL);
    assert.equal(await theirs.readFile(honest.imageId, 'srv/app/made'), 'app');
    await forget(theirs, misled.imageId, honest.imageId);
  });

  it('that cannot be reached is a warning for who reads, and an error for who writes', async () => {
    const nowhere = { cacheFrom: [{ type: 'registry', ref: '127.0.0.1:1/a/b' }, { type: 'registry', ref: name('none') }, { type: 'local', folder: '/nowhere/at/all' }] } as const;
    const build = await theirs.build('app', nowhere);
    assert.deepEqual([build.ran().length, warnings(build).length], [ALL.length, 3]);
    const writing = { type: 'registry', ref: '127.0.0.1:1/a/b', mode: 'min' } as const;
    await assert.rejects(theirs.build('app', { cacheTo: [{ ...writing, ignoreError: false }] }), { code: 'BUILD_CACHE_NOT_WRITTEN', message: /127.0.0.1:1/ });
    assert.match(warnings(await theirs.build('app', { cacheTo: [{ ...writing, ignoreError: true }] })).join(), /was not written to 127.0.0.1:1/);
  });

  it('is not there before it is whole', async () => {
    await theirs.write('large', { Dockerfile: 'FROM debian\nRUN head -c 30000000 /dev/urandom > /large\n' });
    const controller = new AbortController();
    const events = theirs.build('large', to('cut', 'min'), controller.signal, (event) => {
      if (event.type === 'progress' && event.status === 'Pushing') controller.abort();
    });
    await assert.rejects(events, { code: 'CANCELLED' });
    assert.equal((await fetch(`http://${registry.host}/v2/cache/app/manifests/cut`, { headers: ACCEPT })).status, 404);
    assert.deepEqual(await theirs.leftovers(), []);
  });

  /** Manifest and document of a cache, as the registry has them. */
  const read = async (tag: string): Promise<{ manifest: { config: { digest: string }; layers: Array<{ digest: string }> }; document: CacheDocument }> => {
    const manifest = (await (await fetch(`http://${registry.host}/v2/cache/app/manifests/${tag}`, { headers: ACCEPT })).json()) as { config: { digest: string }; layers: Array<{ digest: string }> };
    return { manifest, document: (await (await fetch(`http://${registry.host}/v2/cache/app/blobs/${manifest.config.digest}`)).json()) as CacheDocument };
  };

  const write = async (tag: string, manifest: object, document: object): Promise<void> => {
    const config = JSON.stringify(document);
    const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
    const begun = await fetch(`http://${registry.host}/v2/cache/app/blobs/uploads/`, { method: 'POST' });
    const url = new URL(begun.headers.get('location') ?? '', `http://${registry.host}`);
    url.searchParams.set('digest', digest);
    assert.equal((await fetch(url, { method: 'PUT', body: config, headers: { 'Content-Type': 'application/octet-stream' } })).status, 201);
    const body = JSON.stringify({ ...manifest, config: { mediaType: cacheMediaTypes.config, digest, size: config.length } });
    const put = await fetch(`http://${registry.host}/v2/cache/app/manifests/${tag}`, { method: 'PUT', body, headers: { 'Content-Type': mediaTypes.ociManifest } });
    assert.equal(put.status, 201, await put.text());
  };
});
