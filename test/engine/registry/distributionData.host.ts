import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { code, describe as described, digestOf, DistributionClient, EMPTY, INDEX, MANIFEST, withDigest } from '../../support/distributionClient.ts';
import type { Algorithm, Document } from '../../support/distributionClient.ts';
import { TestEngine } from '../../support/engine.ts';
import { plainLayer } from '../../support/imageArchive.ts';
import { ServedRegistryProcess } from '../../support/servedRegistry.ts';
import { tarball } from '../../support/tarball.ts';

/** What the OCI project's own conformance suite pushes, and the ways in which it does: every kind of content comes back byte by byte, and goes. */

const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const OCTETS = { 'Content-Type': 'application/octet-stream' };
const nowhere = digestOf('nowhere');
const platform = { os: 'linux', architecture: 'amd64' };

describe('what the OCI conformance suite tries, against berth registry serve', () => {
  let engine: TestEngine;
  let registry: ServedRegistryProcess;
  before(async () => {
    engine = await TestEngine.start({ instance: 'i5data' });
    registry = await ServedRegistryProcess.start(engine, ['--write', '--quiet']);
  });
  after(async () => {
    await registry.stop();
    await engine.remove();
  });
  const { call, at, pushBlob, image, artifact, index, put } = new DistributionClient(() => registry.url);
  const begin = async (query = ''): Promise<string> => at(await call('POST', `/v2/blob/app/blobs/uploads/${query}`));
  const status = async (answer: Promise<Response>): Promise<number> => (await answer).status;

  describe('Pushing and pulling kinds of content (end-3, end-7, end-9)', () => {
    const NAME = 'data/app';
    /** Each with what must be there first; the last is what the tag gets. */
    const kinds: Readonly<Record<string, () => Promise<Array<Document & { readonly type?: string }>>>> = {
      'an image': async () => [await image(NAME, 'image')],
      'an image whose layer is not compressed': async () => {
        const layer = plainLayer(tarball([{ path: 'file', content: 'plain' }]));
        return [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [layer.diffId] } })), [{ mediaType: LAYER, ...(await pushBlob(NAME, layer.bytes)) }])];
      },
      'an image with a manifest of nearly four megabytes': async () => [await image(NAME, 'annotated', { annotations: Object.fromEntries(Array.from({ length: 390 }, (_none, at) => [`large-annotation-${at}`, 'A'.repeat(10_000)])) })],
      'an index': async () => {
        const one = await image(NAME, 'one');
        return [one, { ...index([{ ...described(MANIFEST, one), platform }]), type: INDEX }];
      },
      'an index of indexes': async () => {
        const one = await image(NAME, 'nested');
        const inner = index([{ ...described(MANIFEST, one), platform }]);
        return [one, { ...inner, type: INDEX }, { ...index([described(INDEX, inner)]), type: INDEX }];
      },
      'an index of nothing': () => Promise.resolve([{ ...index([]), type: INDEX }]),
      'an artifact': async () => [await artifact(NAME, undefined, 'application/x-test')],
      'an index that is an artifact': async () => {
        const one = await artifact(NAME, undefined, 'application/x-part');
        return [one, { ...index([described(MANIFEST, one)], { artifactType: 'application/x-whole' }), type: INDEX }];
      },
      'an image without layers': async () => [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [] } })), [])],
      'descriptors that bring their data': async () => [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [] } })), [], (config) => ({ config: { ...config, data: Buffer.from('{}').toString('base64') } }))],
      'fields that nobody knows': async () => [await image(NAME, 'odd', { 'org.example.custom': 'kept', nested: { deep: [1, null] } })],
      'layers that may not be distributed, and are not here': async () => [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [nowhere] } })), [{ mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', digest: nowhere, size: 123_456, urls: ['https://store.example.com/layer'] }])],
      'a configuration that is not that of its layers': async () => [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [digestOf('')] } })), [{ mediaType: `${LAYER}+gzip`, ...(await pushBlob(NAME, gzipSync(tarball([{ path: 'f', content: 'x' }])))) }])],
      'a configuration that names no layers, though there is one': async () => [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [] } })), [{ mediaType: `${LAYER}+gzip`, ...(await pushBlob(NAME, gzipSync(tarball([{ path: 'f', content: 'x' }])))) }])],
      'a layer that is no archive': async () => [await manifestOf(Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [nowhere] } })), [{ mediaType: LAYER, ...(await pushBlob(NAME, randomBytes(700))) }])],
    };
    const manifestOf = async (config: Buffer, layers: readonly object[], more: (config: object) => object = () => ({})): Promise<Document> => {
      const descriptor = { mediaType: CONFIG, ...(await pushBlob(NAME, config)) };
      const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: descriptor, layers, ...more(descriptor) });
      return { body, digest: digestOf(body) };
    };

    for (const [kind, make] of Object.entries(kinds)) {
      it(`${kind}: by tag and by digest the very bytes; deleted, it is gone`, async () => {
        const documents = await make();
        for (const { body, digest, type } of documents) assert.equal(await status(put(NAME, digest, body, type)), 201);
        const { body, digest, type = MANIFEST } = documents.at(-1) ?? assert.fail();
        const done = await put(NAME, 'kind', body, type);
        assert.deepEqual([done.status, done.headers.get('docker-content-digest')], [201, digest], await done.text());
        for (const reference of ['kind', digest]) {
          const got = await call('GET', `/v2/${NAME}/manifests/${reference}`, undefined, { Accept: `${INDEX}, ${MANIFEST}` });
          assert.deepEqual([got.status, got.headers.get('content-type'), got.headers.get('content-length'), got.headers.get('docker-content-digest')], [200, type, String(Buffer.byteLength(body)), digest]);
          assert.equal((await got.text()) === body, true);
        }
        for (const one of [...documents].reverse()) assert.equal(await status(call('DELETE', `/v2/${NAME}/manifests/${one.digest}`)), 202);
        for (const reference of ['kind', ...documents.map((one) => one.digest)]) assert.equal(await status(call('HEAD', `/v2/${NAME}/manifests/${reference}`)), 404);
      });
    }

    it('what makes no image here is served to others all the same, and there is no image', async () => {
      const { body, digest } = await (kinds['a configuration that is not that of its layers'] ?? assert.fail)().then(([one]) => one ?? assert.fail());
      await put(NAME, 'odd', body);
      assert.equal((await engine.docker(['images', '-q', `${NAME}:odd`])).stdout, '');
      assert.deepEqual(((await (await call('GET', `/v2/${NAME}/tags/list`)).json()) as { tags: string[] }).tags, ['odd']);
      assert.equal(await status(call('DELETE', `/v2/${NAME}/manifests/${digest}`)), 202);
    });

    it('a manifest of more than four megabytes is 413', async () => {
      const { body } = await artifact(NAME, undefined, 'application/x-test', { long: 'A'.repeat(4 * 1024 * 1024) });
      const response = await put(NAME, 'long', body);
      assert.deepEqual([response.status, await code(response)], [413, 'MANIFEST_TOO_LONG']);
    });

    it('a digest with the bytes of something else, and one that is none, are 400; so are tags that are none', async () => {
      const { body, digest } = await artifact(NAME, undefined, 'application/x-test');
      assert.deepEqual([await status(put(NAME, digest, `${body}  `)), await status(put(NAME, 'sha256:baddigeststring', body)), await status(call('GET', `/v2/${NAME}/manifests/sha256:baddigeststring`))], [400, 400, 400]);
      for (const tag of ['-leading', 'a'.repeat(129), 'b%20c']) assert.equal(await status(put(NAME, tag, body)), 400, tag);
      assert.equal(await status(put(NAME, 'a'.repeat(128), body)), 201);
      assert.equal(await status(put(NAME, 'v1', body, `${INDEX}; charset=utf-8`)), 400, 'it says that it is something else');
      assert.equal(await status(put(NAME, 'v1', body, `${MANIFEST}; charset=utf-8`)), 201, 'parameters do not count');
      assert.equal(await status(call('DELETE', `/v2/${NAME}/manifests/${digest}`)), 202);
    });

    for (const algorithm of ['sha256', 'sha512'] as const) {
      it(`Pushing Manifests (end-7b), ${algorithm}: by digest with tags, all of which lead to it`, async () => {
        const one = await image(NAME, algorithm, {}, algorithm);
        const whole = index([{ ...described(MANIFEST, one), platform }], {}, algorithm);
        assert.equal(await status(put(NAME, one.digest, one.body)), 201);
        const done = await put(NAME, `${whole.digest}?tag=1.2.3&tag=1.2&tag=latest`, whole.body, INDEX);
        assert.deepEqual([done.status, done.headers.get('oci-tag'), done.headers.get('docker-content-digest')], [201, '1.2.3, 1.2, latest', whole.digest]);
        for (const tag of ['1.2.3', '1.2', 'latest']) assert.equal((await call('GET', `/v2/${NAME}/manifests/${tag}`)).headers.get('docker-content-digest'), whole.digest);
        assert.match((await engine.docker(['images', '-q', `${NAME}:1.2`])).stdout, /\S/, 'and it is an image here');
        assert.equal(await status(call('DELETE', `/v2/${NAME}/manifests/${whole.digest}`)), 202);
      });
    }
  });

  for (const algorithm of ['sha256', 'sha512'] as const) {
    describe(`Pushing blobs (end-4, end-5, end-6), ${algorithm}`, () => blobCases(algorithm));
  }

  function blobCases(algorithm: Algorithm): void {
    const path = (digest: string, name = 'blob/app'): string => `/v2/${name}/blobs/${digest}`;
    const range = (from: number, data: Buffer): Record<string, string> => ({ ...OCTETS, 'Content-Range': `${from}-${from + data.length - 1}` });
    /** All the ways; `bytes` are sent under the digest. */
    const ways: Readonly<Record<string, (bytes: Buffer, digest: string) => Promise<Response>>> = {
      'one POST': (bytes, digest) => call('POST', `/v2/blob/app/blobs/uploads/?digest=${digest}`, bytes, OCTETS),
      'POST and PUT': async (bytes, digest) => call('PUT', withDigest(await begin(), digest), bytes, OCTETS),
      'POST that names the algorithm, and PUT': async (bytes, digest) => call('PUT', withDigest(await begin(`?digest-algorithm=${algorithm}`), digest), bytes, OCTETS),
      'chunks, and an empty PUT': async (bytes, digest) => {
        let place = await begin();
        for (let from = 0; from < bytes.length; from += 1000) {
          const chunk = bytes.subarray(from, from + 1000);
          const response = await call('PATCH', place, chunk, range(from, chunk));
          assert.deepEqual([response.status, response.headers.get('range')], [202, `0-${from + chunk.length - 1}`]);
          place = at(response);
        }
        return call('PUT', withDigest(place, digest));
      },
      'chunks, the last in the PUT': async (bytes, digest) => {
        const response = await call('PATCH', await begin(), bytes.subarray(0, 1000), range(0, bytes.subarray(0, 1000)));
        return call('PUT', withDigest(at(response), digest), bytes.subarray(1000), range(1000, bytes.subarray(1000)));
      },
      'a stream of no known length': async (bytes, digest) => {
        const stream = new ReadableStream({ start: (sink) => (sink.enqueue(new Uint8Array(bytes.subarray(0, 700))), sink.enqueue(new Uint8Array(bytes.subarray(700))), sink.close()) });
        const response = await call('PATCH', await begin(), stream, OCTETS);
        assert.equal(response.status, 202);
        return call('PUT', withDigest(at(response), digest));
      },
    };
    for (const [way, push] of Object.entries(ways)) {
      it(`by ${way}: 201, and it is there; with a digest of something else 400, and it is not`, async () => {
        const data = randomBytes(2500);
        const digest = digestOf(data, algorithm);
        assert.equal(await status(call('GET', path(digest))), 404);
        const done = await push(data, digest);
        assert.deepEqual([done.status, done.headers.get('docker-content-digest')], [201, digest]);
        assert.deepEqual(Buffer.from(await (await call('GET', at(done))).arrayBuffer()), data);
        const wrong = await push(Buffer.concat([data, Buffer.from('oh no')]), digestOf(randomBytes(8), algorithm));
        assert.deepEqual([wrong.status, await code(wrong)], [400, 'DIGEST_INVALID']);
        assert.equal(await status(call('DELETE', path(digest))), 202);
        for (const method of ['HEAD', 'GET']) assert.equal(await status(call(method, path(digest))), 404);
      });
    }

    it('chunks out of order are 416, in PATCH and in PUT, one that came already too; the upload goes on where it is', async () => {
      const data = randomBytes(3000);
      const digest = digestOf(data, algorithm);
      let place = at(await call('PATCH', await begin(), data.subarray(0, 1000), range(0, data.subarray(0, 1000))));
      for (const [method, from] of [['PATCH', 2000], ['PATCH', 0], ['PUT', 2000]] as const) {
        const chunk = data.subarray(from, from + 1000);
        assert.equal(await status(call(method, method === 'PUT' ? withDigest(place, digest) : place, chunk, range(from, chunk))), 416, `${method} ${from}`);
        const now = await call('GET', place);
        assert.deepEqual([now.status, now.headers.get('range')], [204, '0-999']);
        place = at(now);
      }
      assert.equal(await status(call('PUT', withDigest(place, digest), data.subarray(1000), range(1000, data.subarray(1000)))), 201);
    });

    for (const [what, data] of [['nothing', Buffer.alloc(0)], ['{}', Buffer.from('{}')]] as const) {
      it(`a blob of ${what}`, async () => {
        const { digest } = await pushBlob('blob/app', data, algorithm);
        const head = await call('HEAD', path(digest));
        assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(data.length)]);
        assert.equal(await (await call('GET', path(digest))).text(), data.toString());
      });
    }

    it('Pulling blobs (end-2): ranges of all forms', async () => {
      const data = randomBytes(2048);
      const { digest } = await pushBlob('blob/app', data, algorithm);
      const whole = { '500-1499': [500, 1500], '500-': [500, 2048], '-500': [1548, 2048], '2000-5000': [2000, 2048], '-5000': [0, 2048] } as const;
      for (const [asked, [from, to]] of Object.entries(whole)) {
        const response = await call('GET', path(digest), undefined, { Range: `bytes=${asked}` });
        assert.deepEqual([response.status, response.headers.get('content-range'), response.headers.get('content-length')], [206, `bytes ${from}-${to - 1}/2048`, String(to - from)], asked);
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), data.subarray(from, to));
      }
      for (const asked of ['500-0', '5000-10000']) assert.equal(await status(call('GET', path(digest), undefined, { Range: `bytes=${asked}` })), 416, asked);
    });

    it('Mounting (end-11): from a repository, from any, and an upload where there is nothing; a blob is only of its repositories, each of which lets go of it by itself', async () => {
      const { digest } = await pushBlob('blob/one', randomBytes(300), algorithm);
      for (const [name, query] of [['blob/two', `mount=${digest}&from=blob/one`], ['blob/three', `mount=${digest}`]] as const) {
        assert.equal(await status(call('GET', path(digest, name))), 404, 'before');
        const mounted = await call('POST', `/v2/${name}/blobs/uploads/?${query}`);
        assert.deepEqual([mounted.status, new URL(at(mounted)).pathname], [201, path(digest, name)]);
        assert.equal(await status(call('HEAD', at(mounted))), 200);
      }
      assert.equal(await status(call('DELETE', path(digest, 'blob/one'))), 202);
      assert.deepEqual([await status(call('GET', path(digest, 'blob/one'))), await status(call('GET', path(digest, 'blob/two'))), await status(call('GET', path(digest, 'blob/three')))], [404, 200, 200]);
      const missing = await call('POST', `/v2/blob/two/blobs/uploads/?mount=${digestOf('not here', algorithm)}&from=blob/one`);
      assert.equal(missing.status, 202);
      assert.equal(await status(call('DELETE', at(missing))), 204);
    });
  }

  it('Pushing blobs: without a digest, with one that is none, and with an algorithm that is not known, 400', async () => {
    const place = await begin();
    for (const [method, url] of [['PUT', place], ['PUT', withDigest(place, 'sha256:12')], ['PUT', withDigest(place, `md5:${'0'.repeat(32)}`)], ['POST', '/v2/blob/app/blobs/uploads/?digest-algorithm=md5']] as const) {
      const response = await call(method, url, 'x', OCTETS);
      assert.deepEqual([response.status, await code(response)], [400, 'DIGEST_INVALID'], url);
    }
    assert.equal(await status(call('PUT', withDigest(`${place}0`, digestOf('x')), 'x', OCTETS)), 404);
  });

  it('Listing Tags (end-8b): last without n; what is deleted is listed no more; a repository that has only blobs is not known', async () => {
    const first = await artifact('tags/app', undefined, 'application/x-first');
    const second = await artifact('tags/app', undefined, 'application/x-second');
    for (const [tag, { body }] of [['a', first], ['b', second], ['c', first], ['d', second]] as const) await put('tags/app', tag, body);
    const list = async (query = ''): Promise<string[]> => ((await (await call('GET', `/v2/tags/app/tags/list${query}`)).json()) as { tags: string[] }).tags;
    assert.deepEqual(await list('?last=b'), ['c', 'd']);
    await call('DELETE', '/v2/tags/app/manifests/a');
    assert.deepEqual(await list(), ['b', 'c', 'd']);
    await call('DELETE', `/v2/tags/app/manifests/${second.digest}`);
    assert.deepEqual(await list(), ['c']);
    await pushBlob('tags/blobs', Buffer.from('alone'));
    const response = await call('GET', '/v2/tags/blobs/tags/list');
    assert.deepEqual([response.status, await code(response)], [404, 'NAME_UNKNOWN']);
  });

  it('Listing Referrers (end-12): of a subject that comes later; images by their configuration’s type, indexes with theirs or none; a digest that is none is 400', async () => {
    const subject = await image('refs/app', 'subject');
    const to = { subject: described(MANIFEST, subject) };
    const untyped = await artifact('refs/app', to.subject, undefined, { note: 'untyped' });
    const plain = index([], { ...to, annotations: { note: 'index' } });
    const typed = index([], { ...to, artifactType: 'application/x-index' });
    for (const [{ body, digest }, type] of [[untyped, MANIFEST], [plain, INDEX], [typed, INDEX]] as const) {
      const done = await put('refs/app', digest, body, type);
      assert.deepEqual([done.status, done.headers.get('oci-subject')], [201, subject.digest]);
    }
    assert.equal(await status(put('refs/app', 'v1', subject.body)), 201);
    const list = async (query = ''): Promise<unknown> => ((await (await call('GET', `/v2/refs/app/referrers/${subject.digest}${query}`)).json()) as { manifests: unknown }).manifests;
    const expected = {
      untyped: { ...described(MANIFEST, untyped), artifactType: EMPTY, annotations: { note: 'untyped' } },
      plain: { ...described(INDEX, plain), annotations: { note: 'index' } },
      typed: { ...described(INDEX, typed), artifactType: 'application/x-index' },
    };
    assert.deepEqual(await list(), Object.values(expected));
    assert.deepEqual(await list(`?artifactType=${encodeURIComponent(EMPTY)}`), [expected.untyped]);
    assert.deepEqual(await list(`?artifactType=${encodeURIComponent('application/x-index')}`), [expected.typed]);
    assert.equal(await status(call('GET', '/v2/refs/app/referrers/sha256:no')), 400);
  });

  it('Content Management where it is disabled: 405; pushing is denied, and reading is not', async () => {
    const { body, digest } = await artifact('only/read', undefined, 'application/x-test');
    await put('only/read', 'v1', body);
    const readOnly = await ServedRegistryProcess.start(engine, ['--quiet']);
    try {
      const client = new DistributionClient(() => readOnly.url);
      for (const reference of ['manifests/v1', `manifests/${digest}`, `blobs/${digestOf('{}')}`]) {
        const response = await client.call('DELETE', `/v2/only/read/${reference}`);
        assert.deepEqual([response.status, await code(response)], [405, 'UNSUPPORTED'], reference);
      }
      for (const response of [await client.put('only/read', 'v2', body), await client.call('POST', '/v2/only/read/blobs/uploads/')]) assert.deepEqual([response.status, await code(response)], [403, 'DENIED']);
      assert.equal(await (await client.call('GET', '/v2/only/read/manifests/v1')).text(), body);
    } finally {
      await readOnly.stop();
    }
  });
});
