import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../../../engine/content/digest.ts';
import { silentLog } from '../../../engine/base/log.ts';
import { ContentStore } from '../../../engine/content/contentStore.ts';
import { indexSchema, mediaTypes } from '../../../engine/content/oci.ts';
import type { Descriptor } from '../../../engine/content/oci.ts';

describe('the content store', () => {
  let root: string;
  let store: ContentStore;
  const open = async (): Promise<ContentStore> => {
    const opened = new ContentStore(root, silentLog);
    await opened.load();
    return opened;
  };
  const entry = (name: string): Descriptor => ({ mediaType: mediaTypes.ociManifest, digest: digestOf(name), size: 1 });
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-content-'));
    store = await open();
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('is an OCI image layout from the start', async () => {
    assert.deepEqual(JSON.parse(await readFile(join(root, 'content/oci-layout'), 'utf8')), { imageLayoutVersion: '1.0.0' });
    assert.deepEqual(indexSchema.parse(JSON.parse(await readFile(join(root, 'content/index.json'), 'utf8'))).manifests, []);
  });

  it('writes its index only when it changes', async () => {
    const path = join(root, 'content/index.json');
    await store.update(() => [entry('one')]);
    const { ino } = await stat(path);
    await store.update((entries) => entries.map((one) => ({ ...one })));
    assert.equal((await stat(path)).ino, ino);
    await store.update((entries) => [...entries, entry('two')]);
    assert.notEqual((await stat(path)).ino, ino);
    assert.equal((await open()).entries.length, 2);
  });

  it('keeps blobs under their digest, refuses others, and gives back only what is still the same', async () => {
    const { digest, size } = await store.put('hello');
    assert.equal(digest, 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    assert.equal(size, 5);
    assert.ok(store.has(digest));
    assert.equal((await (await open()).read(digest)).toString(), 'hello');
    await assert.rejects(store.put('other', digest), { code: 'DIGEST_MISMATCH' });
    await writeFile(join(root, 'content/blobs', digest.replace(':', '/')), 'hellO');
    await assert.rejects(store.read(digest), { code: 'DIGEST_MISMATCH' });
    await store.delete(digest);
    await assert.rejects(store.read(digest), { code: 'BLOB_MISSING' });
  });

  it('changes index.json one after the other, and remembers', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => store.update((entries) => [...entries, entry(name)])));
    assert.deepEqual((await open()).entries.map(({ digest }) => digest), ['a', 'b', 'c'].map((name) => digestOf(name)));
  });

  it('clears temp files of a killed engine', async () => {
    await writeFile(join(root, 'content/blobs/sha256', '.tmp-0123456789ab-x'), 'half');
    await open();
    assert.deepEqual(await readdir(join(root, 'content/blobs/sha256')), []);
  });

  it('makes a damaged index.json again from the manifests that are there', async () => {
    const config = await store.put('{}');
    const manifest = await store.put(JSON.stringify({ schemaVersion: 2, config: { mediaType: mediaTypes.ociConfig, ...config }, layers: [] }));
    await writeFile(join(root, 'content/index.json'), '{"schemaVersion":');
    assert.deepEqual((await open()).entries, [{ mediaType: mediaTypes.ociManifest, ...manifest }]);
    assert.ok((await readdir(join(root, 'content'))).some((name) => name.startsWith('index.json.damaged-')));
  });
});
