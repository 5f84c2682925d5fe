import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { code, digestOf, DistributionClient, INDEX, MANIFEST, withDigest } from '../../support/distributionClient.ts';
import { TestEngine } from '../../support/engine.ts';
import { ServedRegistryProcess } from '../../support/servedRegistry.ts';

/**
 * The conformance cases of the OCI distribution specification 1.1, by the titles of its sections and the numbers of its endpoints. What
 * its own conformance suite pushes and tries beyond them is in distributionData.host.ts.
 */

const unknown = digestOf('nothing');

describe('the OCI distribution specification, against berth registry serve', () => {
  let engine: TestEngine;
  let registry: ServedRegistryProcess;
  before(async () => {
    engine = await TestEngine.start({ instance: 'rgspec' });
    registry = await ServedRegistryProcess.start(engine, ['--write', '--quiet']);
  });
  after(async () => {
    await registry.stop();
    await engine.remove();
  });

  const { call, at, pushBlob, image, artifact, put } = new DistributionClient(() => registry.url);

  describe('Determining Support (end-1)', () => {
    it('GET /v2/ is 200', async () => assert.equal((await call('GET', '/v2/')).status, 200));
  });

  describe('Pull', () => {
    let manifest: { body: string; digest: string };
    let blob: { digest: string; size: number };
    const data = randomBytes(100_000);
    before(async () => {
      manifest = await image('pull/app', 'pulled');
      blob = await pushBlob('pull/app', data);
      assert.equal((await put('pull/app', 'v1', manifest.body)).status, 201);
    });

    for (const by of ['tag', 'digest'] as const) {
      it(`Pulling manifests (end-3): by ${by}, the very bytes, with their type and digest; HEAD the same without a body`, async () => {
        const path = `/v2/pull/app/manifests/${by === 'tag' ? 'v1' : manifest.digest}`;
        const got = await call('GET', path, undefined, { Accept: MANIFEST });
        assert.deepEqual([got.status, got.headers.get('content-type'), got.headers.get('docker-content-digest')], [200, MANIFEST, manifest.digest]);
        assert.equal(await got.text(), manifest.body);
        const head = await call('HEAD', path);
        assert.deepEqual([head.status, head.headers.get('content-length'), head.headers.get('docker-content-digest'), await head.text()], [200, String(manifest.body.length), manifest.digest, '']);
      });
    }
    it('Pulling manifests (end-3): an unknown one, and an unknown repository, are 404 MANIFEST_UNKNOWN', async () => {
      for (const path of ['/v2/pull/app/manifests/no', `/v2/pull/app/manifests/${unknown}`, '/v2/no/such/manifests/v1']) {
        const response = await call('GET', path);
        assert.deepEqual([response.status, await code(response)], [404, 'MANIFEST_UNKNOWN']);
        assert.equal((await call('HEAD', path)).status, 404);
      }
    });
    it('Pulling blobs (end-2): whole, by ranges, and HEAD', async () => {
      const path = `/v2/pull/app/blobs/${blob.digest}`;
      const got = await call('GET', path);
      assert.deepEqual([got.status, got.headers.get('content-length'), got.headers.get('docker-content-digest')], [200, '100000', blob.digest]);
      assert.equal(digestOf(Buffer.from(await got.arrayBuffer())), blob.digest);
      const head = await call('HEAD', path);
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, '100000']);
      const part = await call('GET', path, undefined, { Range: 'bytes=10-19' });
      assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 10-19/100000']);
      assert.deepEqual(Buffer.from(await part.arrayBuffer()), data.subarray(10, 20));
      const tail = await call('GET', path, undefined, { Range: 'bytes=99990-' });
      assert.deepEqual(Buffer.from(await tail.arrayBuffer()), data.subarray(99_990));
      assert.equal((await call('GET', path, undefined, { Range: 'bytes=100000-' })).status, 416);
    });
    it('Pulling blobs (end-2): an unknown one is 404 BLOB_UNKNOWN, something that is no digest 400 DIGEST_INVALID', async () => {
      const response = await call('GET', `/v2/pull/app/blobs/${unknown}`);
      assert.deepEqual([response.status, await code(response)], [404, 'BLOB_UNKNOWN']);
      assert.equal(await code(await call('GET', '/v2/pull/app/blobs/sha256:12')), 'DIGEST_INVALID');
    });
    it('Error Codes: a name that is none is 400 NAME_INVALID', async () => {
      const response = await call('GET', '/v2/Upper/manifests/v1');
      assert.deepEqual([response.status, await code(response)], [400, 'NAME_INVALID']);
    });
  });

  describe('Push', () => {
    it('Pushing a blob monolithically (end-4a, end-6): POST then PUT', async () => {
      const data = randomBytes(1000);
      const begun = await call('POST', '/v2/push/app/blobs/uploads/');
      assert.equal(begun.status, 202);
      assert.ok(begun.headers.get('docker-upload-uuid'));
      const done = await call('PUT', withDigest(at(begun), digestOf(data)), data, { 'Content-Type': 'application/octet-stream' });
      assert.equal(done.status, 201);
      assert.equal((await call('HEAD', at(done))).status, 200);
    });
    it('Pushing a blob monolithically (end-4b): one POST', async () => {
      const data = randomBytes(1000);
      const done = await call('POST', `/v2/push/app/blobs/uploads/?digest=${digestOf(data)}`, data, { 'Content-Type': 'application/octet-stream' });
      assert.equal(done.status, 201);
      assert.deepEqual(Buffer.from(await (await call('GET', at(done))).arrayBuffer()), data);
    });
    it('Pushing a blob monolithically (end-6): another digest than that of the bytes is 400 DIGEST_INVALID', async () => {
      const begun = await call('POST', '/v2/push/app/blobs/uploads/');
      const done = await call('PUT', withDigest(at(begun), unknown), Buffer.from('other'));
      assert.deepEqual([done.status, await code(done)], [400, 'DIGEST_INVALID']);
      assert.equal((await call('HEAD', `/v2/push/app/blobs/${unknown}`)).status, 404);
    });
    it('Pushing a blob in chunks (end-5, end-6, end-13): in order; the status says how far; out of order is 416', async () => {
      const data = randomBytes(3000);
      let response = await call('POST', '/v2/push/app/blobs/uploads/');
      response = await call('PATCH', at(response), data.subarray(0, 1000), { 'Content-Range': '0-999' });
      assert.deepEqual([response.status, response.headers.get('range')], [202, '0-999']);
      const wrong = await call('PATCH', at(response), data.subarray(2000), { 'Content-Range': '2000-2999' });
      assert.deepEqual([wrong.status, wrong.headers.get('range')], [416, '0-999']);
      response = await call('PATCH', at(response), data.subarray(1000, 2000), { 'Content-Range': '1000-1999' });
      const status = await call('GET', at(response));
      assert.deepEqual([status.status, status.headers.get('range')], [204, '0-1999']);
      const done = await call('PUT', withDigest(at(status), digestOf(data)), data.subarray(2000), { 'Content-Range': '2000-2999' });
      assert.equal(done.status, 201);
      assert.equal(digestOf(Buffer.from(await (await call('GET', at(done))).arrayBuffer())), digestOf(data));
    });
    it('Cancelling a blob upload: DELETE is 204, and then it is unknown', async () => {
      const begun = await call('POST', '/v2/push/app/blobs/uploads/');
      assert.equal((await call('DELETE', at(begun))).status, 204);
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        const response = await call(method, at(begun), method === 'PATCH' ? 'x' : undefined);
        assert.deepEqual([response.status, await code(response)], [404, 'BLOB_UPLOAD_UNKNOWN']);
      }
    });
    it('Mounting a blob from another repository (end-11): 201 for one that is here, else an upload begins', async () => {
      const { digest } = await pushBlob('push/app', randomBytes(100));
      const mounted = await call('POST', `/v2/push/other/blobs/uploads/?mount=${digest}&from=push/app`);
      assert.equal(mounted.status, 201);
      assert.equal((await call('HEAD', at(mounted))).status, 200);
      assert.equal((await call('POST', `/v2/push/other/blobs/uploads/?mount=${unknown}&from=push/app`)).status, 202);
    });
    it('Pushing Manifests (end-7): by tag and by digest; what it names must be here, and it must be one', async () => {
      const { body, digest } = await image('push/app', 'pushed');
      const done = await put('push/app', 'v1', body);
      assert.deepEqual([done.status, done.headers.get('docker-content-digest')], [201, digest]);
      assert.equal((await call('GET', at(done))).status, 200);
      assert.equal((await put('push/app', digest, body)).status, 201);
      assert.equal(await code(await put('push/app', unknown, body)), 'DIGEST_INVALID');
      const missing = body.replace(/sha256:[0-9a-f]{64}/, unknown);
      assert.equal(await code(await put('push/app', 'v2', missing)), 'MANIFEST_BLOB_UNKNOWN');
      for (const wrong of ['{', '{}', '{"schemaVersion":1}', '[]']) {
        const response = await put('push/app', 'v2', wrong);
        assert.deepEqual([response.status, await code(response)], [400, 'MANIFEST_INVALID'], wrong);
      }
      assert.equal((await call('GET', '/v2/push/app/manifests/v2')).status, 404);
    });
    it('Pushing Manifests (end-7): an index of manifests', async () => {
      const one = await image('push/app', 'one');
      await put('push/app', one.digest, one.body);
      const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [{ mediaType: MANIFEST, digest: one.digest, size: one.body.length, platform: { os: 'linux', architecture: 's390x' } }] });
      assert.equal((await put('push/app', 'multi', body, INDEX)).status, 201);
      const got = await call('GET', '/v2/push/app/manifests/multi');
      assert.deepEqual([got.headers.get('content-type'), await got.text()], [INDEX, body]);
    });
    it('Pushing Manifests with Subject (end-7): the answer says that the registry knows referrers', async () => {
      const subject = { mediaType: MANIFEST, digest: unknown, size: 7 };
      const { body, digest } = await artifact('push/app', subject, 'application/x-signature');
      const done = await put('push/app', digest, body);
      assert.deepEqual([done.status, done.headers.get('oci-subject')], [201, unknown]);
    });
  });

  describe('Content Discovery', () => {
    it('Listing Tags (end-8a, end-8b): sorted, in pages by n and last', async () => {
      const { body } = await artifact('list/app', undefined, 'application/x-test');
      for (const tag of ['c', 'a', 'b', 'D']) assert.equal((await put('list/app', tag, body)).status, 201);
      const list = async (query: string): Promise<{ tags: string[]; link: string | null }> => {
        const response = await call('GET', `/v2/list/app/tags/list${query}`);
        return { tags: ((await response.json()) as { tags: string[] }).tags, link: response.headers.get('link') };
      };
      assert.deepEqual(await list(''), { tags: ['D', 'a', 'b', 'c'], link: null });
      const first = await list('?n=3');
      assert.deepEqual(first.tags, ['D', 'a', 'b']);
      assert.match(first.link ?? '', /^<\/v2\/list\/app\/tags\/list\?n=3&last=b>; rel="next"$/);
      assert.deepEqual(await list('?n=3&last=b'), { tags: ['c'], link: null });
      assert.deepEqual((await list('?n=0')).tags, []);
      const none = await call('GET', '/v2/no/such/tags/list');
      assert.deepEqual([none.status, await code(none)], [404, 'NAME_UNKNOWN']);
    });
    it('Listing Referrers (end-12a, end-12b): an index, empty where there are none; filtered by type; annotations come along', async () => {
      const subject = { mediaType: MANIFEST, digest: digestOf('subject'), size: 7 };
      const sign = await artifact('ref/app', subject, 'application/x-signature', { 'org.example': 'yes' });
      const bill = await artifact('ref/app', subject, 'application/x-sbom');
      for (const { body, digest } of [sign, bill]) assert.equal((await put('ref/app', digest, body)).status, 201);
      const list = async (query = ''): Promise<{ type: string | null; filtered: string | null; manifests: Array<{ digest: string; artifactType: string; annotations?: object }> }> => {
        const response = await call('GET', `/v2/ref/app/referrers/${subject.digest}${query}`);
        assert.equal(response.status, 200);
        return { type: response.headers.get('content-type'), filtered: response.headers.get('oci-filters-applied'), ...((await response.json()) as { manifests: [] }) };
      };
      const all = await list();
      assert.deepEqual([all.type, all.filtered, all.manifests.map(({ digest }) => digest).sort()], [INDEX, null, [sign.digest, bill.digest].sort()]);
      const some = await list('?artifactType=application/x-signature');
      assert.deepEqual([some.filtered, some.manifests.map(({ digest, annotations }) => ({ digest, annotations }))], ['artifactType', [{ digest: sign.digest, annotations: { 'org.example': 'yes' } }]]);
      assert.deepEqual(((await (await call('GET', `/v2/ref/app/referrers/${unknown}`)).json()) as { manifests: [] }).manifests, []);
      assert.equal((await call('DELETE', `/v2/ref/app/manifests/${bill.digest}`)).status, 202);
      assert.deepEqual((await list()).manifests.map(({ digest }) => digest), [sign.digest]);
    });
  });

  describe('Content Management', () => {
    it('Deleting tags (end-9): the tag goes, the manifest stays', async () => {
      const { body, digest } = await artifact('gone/app', undefined, 'application/x-test');
      for (const tag of ['v1', 'v2']) await put('gone/app', tag, body);
      assert.equal((await call('DELETE', '/v2/gone/app/manifests/v1')).status, 202);
      assert.equal((await call('GET', '/v2/gone/app/manifests/v1')).status, 404);
      assert.deepEqual([(await call('GET', '/v2/gone/app/manifests/v2')).status, (await call('GET', `/v2/gone/app/manifests/${digest}`)).status], [200, 200]);
    });
    it('Deleting Manifests (end-9): by digest, with its tags, and the image that was made of it here', async () => {
      const { body, digest } = await image('gone/image', 'gone');
      await put('gone/image', 'v1', body);
      assert.match((await engine.docker(['images', '-q', 'gone/image:v1'])).stdout, /\S/);
      assert.equal((await call('DELETE', `/v2/gone/image/manifests/${digest}`)).status, 202);
      for (const reference of ['v1', digest]) assert.equal((await call('GET', `/v2/gone/image/manifests/${reference}`)).status, 404);
      assert.equal((await engine.docker(['images', '-q', 'gone/image:v1'])).stdout, '');
      assert.equal((await call('DELETE', `/v2/gone/image/manifests/${digest}`)).status, 404);
    });
    it('Deleting Blobs (end-10)', async () => {
      const { digest } = await pushBlob('gone/app', randomBytes(50));
      assert.equal((await call('DELETE', `/v2/gone/app/blobs/${digest}`)).status, 202);
      assert.equal((await call('GET', `/v2/gone/app/blobs/${digest}`)).status, 404);
      const again = await call('DELETE', `/v2/gone/app/blobs/${digest}`);
      assert.deepEqual([again.status, await code(again)], [404, 'BLOB_UNKNOWN']);
    });
    it('what is no endpoint is 404, with the specification’s form of errors', async () => {
      const response = await call('GET', '/v2/gone/app/nonsense');
      assert.equal(response.status, 404);
      assert.ok(await code(response));
    });
  });
});
