import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { quietContext } from '../../../engine/base/context.ts';
import type { Progress } from '../../../engine/base/context.ts';
import { filterImages } from '../../../engine/images/filters.ts';
import { imageHistory } from '../../../engine/images/history.ts';
import { pruneImages } from '../../../engine/images/prune.ts';
import { run } from '../../../engine/host/process.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { tarball } from '../../support/tarball.ts';

const layer = (name: string): ReturnType<typeof plainLayer> => plainLayer(tarball([{ path: name, content: name }]));

describe('images that are here', () => {
  let world: ImageWorld;
  beforeEach(async () => {
    world = await ImageWorld.create();
  });
  afterEach(() => world.remove());

  const load = async (name: string, tags: readonly string[], config: object = {}): Promise<string> => {
    const { archive } = dockerArchive({ layers: [layer('base'), layer(name)], tags, config });
    const [image] = await world.images.loadArchive(Readable.from([archive], { objectMode: false }), quietContext);
    return image?.id ?? '';
  };
  const actions = (): string[] => world.events.recent().map(({ action, attributes }) => `${action} ${attributes['name']?.slice(0, 12) ?? ''}`);

  it('are found by name, by name and digest, by id, and by the beginning of an id', async () => {
    const id = await load('a', ['app:1', 'app:latest', 'localhost:5000/team/app:1']);
    for (const ref of ['app', 'app:1', 'docker.io/library/app:1', 'localhost:5000/team/app:1', id, id.slice(7), id.slice(7, 19), id.slice(0, 12), id.slice(7, 8)]) assert.equal(world.images.resolve(ref).id, id, ref);
    for (const ref of ['other', 'app:2', 'APP', `sha256:${'0'.repeat(64)}`, 'f'.repeat(12)]) assert.throws(() => world.images.resolve(ref), { code: 'NO_SUCH_IMAGE', status: 404 }, ref);
    assert.throws(() => world.images.resolve('nothing'), { message: 'No such image: nothing:latest' });
  });

  it('a name is more than an id that begins so; an id that fits several images is refused', async () => {
    const ids = [];
    for (let count = 0; count < 17; count += 1) ids.push(await load(`n${count}`, []));
    const digit = ids.map((id) => id.slice(7, 8)).find((one, index, all) => all.indexOf(one) !== index) ?? '';
    assert.throws(() => world.images.resolve(digit), { code: 'AMBIGUOUS_IMAGE_ID' });
    const named = await load('named', [`${digit}:latest`]);
    assert.equal(world.images.resolve(digit).id, named);
  });

  it('get more names, and a name moves to the image that got it last', async () => {
    const a = await load('a', ['app:1']);
    const b = await load('b', ['app:2']);
    await world.images.tag('app:1', 'example.com/app:x');
    await world.images.tag('app:2', 'app:1');
    assert.deepEqual(world.images.resolve(a).repoTags, ['example.com/app:x']);
    assert.deepEqual(world.images.resolve(b).repoTags.toSorted(), ['app:1', 'app:2']);
    const c = await load('c', ['example.com/app:x']);
    assert.deepEqual(world.images.resolve(a).repoTags, [], 'nameless now, but here');
    assert.equal(world.images.resolve('example.com/app:x').id, c);
    await assert.rejects(world.images.tag('app:1', 'Not Valid'), { code: 'INVALID_REFERENCE' });
  });

  it('lose one name at a time; with the last one the image goes, and its layers, but no other’s', async () => {
    const a = await load('a', ['app:1', 'app:2']);
    await load('b', ['other:1']);
    assert.deepEqual(await world.images.remove('app:1'), [{ untagged: 'app:1' }]);
    assert.deepEqual(await world.images.remove('app:2'), [{ untagged: 'app:2' }, { deleted: a }]);
    assert.equal(world.snapshots.list().length, 2);
    await assert.rejects(world.images.remove('app:2'), { code: 'NO_SUCH_IMAGE' });
    await world.images.remove('other:1');
    assert.deepEqual(await world.left(), []);
    assert.ok(actions().includes('untag app:1') && actions().some((action) => action.startsWith('delete sha256:')));
  });

  it('by id go with all their names, several only by force', async () => {
    const id = await load('a', ['app:1', 'other:2']);
    await assert.rejects(world.images.remove(id.slice(7, 19)), { code: 'IMAGE_HAS_NAMES', status: 409, message: /must be forced.*app:1, other:2/ });
    assert.deepEqual(await world.images.remove(id, { force: true }), [{ untagged: 'app:1' }, { untagged: 'other:2' }, { deleted: id }]);
    assert.deepEqual(await world.left(), []);
  });

  it('stay while a container uses them; only a name can be forced away', async () => {
    const id = await load('a', ['app:1']);
    world.users = { [id]: ['0123456789ab'] };
    await assert.rejects(world.images.remove('app:1'), { code: 'IMAGE_IN_USE', status: 409, message: /0123456789ab/ });
    await assert.rejects(world.images.remove(id, { force: true }), { code: 'IMAGE_IN_USE', message: /cannot be forced/ });
    assert.deepEqual(await world.images.remove('app:1', { force: true }), [{ untagged: 'app:1' }]);
    assert.deepEqual(world.images.resolve(id).repoTags, []);
    assert.deepEqual(await pruneImages(world.images, world.snapshots, { all: false, filters: {} }), { removed: [], freed: 0 });
    world.users = {};
    const { removed, freed } = await pruneImages(world.images, world.snapshots, { all: false, filters: {} });
    assert.deepEqual(removed, [{ deleted: id }]);
    assert.equal(freed, 'base'.length + 'a'.length);
    assert.deepEqual(await world.left(), []);
  });

  it('are pruned when nameless, or all that nobody uses; what others share is not counted as freed', async () => {
    await load('a', ['app:1']);
    const nameless = await load('b', []);
    const used = await load('c', ['used:1']);
    world.users = { [used]: ['x'] };
    assert.deepEqual(await pruneImages(world.images, world.snapshots, { all: false, filters: {} }), { removed: [{ deleted: nameless }], freed: 1 });
    await pruneImages(world.images, world.snapshots, { all: true, filters: {} });
    assert.deepEqual(world.images.list().map(({ id }) => id), [used]);
  });

  it('are listed by filters', async () => {
    await load('a', ['app:1', 'team/app:2'], { created: '2024-01-01T00:00:00Z', config: { Labels: { stage: 'dev', empty: '' } } });
    await load('b', ['localhost:5000/app:1'], { created: '2024-06-01T00:00:00Z' });
    await load('c', [], { created: '2025-01-01T00:00:00Z', config: { Labels: { stage: 'prod' } } });
    const list = (filters: Record<string, string[]>): string[] => filterImages(world.images.list(), filters, (ref) => world.images.resolve(ref)).map(({ repoTags }) => repoTags.join(' ')).toSorted();
    assert.equal(list({}).length, 3);
    assert.deepEqual(list({ dangling: ['true'] }), ['']);
    assert.equal(list({ dangling: ['false'] }).length, 2);
    assert.deepEqual(list({ reference: ['app'] }), ['app:1']);
    assert.deepEqual(list({ reference: ['app:*', '*/app'] }), ['app:1 team/app:2', 'localhost:5000/app:1']);
    assert.deepEqual(list({ reference: ['a?[o-q]:1'] }), ['app:1']);
    assert.deepEqual(list({ label: ['stage=dev', 'empty'] }), ['app:1 team/app:2']);
    assert.equal(list({ label: ['stage'] }).length, 2);
    assert.deepEqual(list({ before: ['localhost:5000/app:1'] }), ['app:1 team/app:2']);
    assert.deepEqual(list({ since: ['localhost:5000/app:1'] }), ['']);
    assert.deepEqual(list({ until: ['2024-03-01T00:00:00Z'] }), ['app:1 team/app:2']);
    assert.throws(() => list({ dangling: ['perhaps'] }), { code: 'BAD_REQUEST' });
    assert.throws(() => list({ colour: ['red'] }), { code: 'BAD_REQUEST', message: /unknown filter "colour"/ });
  });

  it('tell how they were made, newest first, with the size of each layer', async () => {
    await load('a', ['app:1'], { history: [{ created: '2024-01-01T00:00:00Z', created_by: 'base' }, { created: '2024-01-02T00:00:00Z', created_by: 'ENV A=1', empty_layer: true }, { created: '2024-01-03T00:00:00Z', created_by: 'COPY', comment: 'c' }] });
    const image = world.images.resolve('app:1');
    const items = imageHistory(image, (id) => world.snapshots.get(id)?.size ?? 0);
    assert.deepEqual(items.map(({ Id, CreatedBy, Size, Tags }) => [Id, CreatedBy, Size, Tags]), [[image.id, 'COPY', 1, ['app:1']], ['<missing>', 'ENV A=1', 0, null], ['<missing>', 'base', 4, null]]);
  });

  it('made here of snapshots are identified and shared like any other', async () => {
    const pending = await world.snapshots.begin();
    await run('sh', ['-c', 'mkdir -p "$0/etc" && echo made > "$0/etc/made"', pending.dir]);
    const snapshot = await pending.commit({});
    const image = await world.images.addImage({ config: { architecture: 'amd64', os: 'linux', config: { Cmd: ['sh'] } }, snapshotIds: [snapshot.id], tags: ['made:1'] });
    assert.deepEqual(image.layers.map(({ snapshotId }) => snapshotId), [snapshot.id]);
    await world.open();
    assert.deepEqual(world.images.resolve('made:1').layers, image.layers);
    await world.images.remove('made:1');
    assert.deepEqual(await world.left(), []);
  });
});

describe('bootstrapping a base image', () => {
  it('makes debian:bookworm from Debian’s packages, with its certificates, sources and PATH', async function () {
    this.timeout(300_000);
    const world = await ImageWorld.create();
    try {
      const reports: Progress[] = [];
      const image = await world.images.bootstrap('debian:bookworm', { ...quietContext, report: (progress) => void reports.push(progress) });
      assert.deepEqual(image.repoTags, ['debian:bookworm']);
      assert.deepEqual(image.config.config?.Cmd, ['bash']);
      assert.match(image.config.config?.Env?.[0] ?? '', /^PATH=\/usr\/local\/sbin:/);
      assert.ok(reports.length > 3);
      const root = world.snapshots.lowerDir(image.layers[0]?.snapshotId ?? '');
      assert.match((await run('cat', [`${root}/etc/os-release`, `${root}/etc/apt/sources.list`])).stdout, /VERSION_CODENAME=bookworm.*deb .*http:\/\/deb\.debian\.org\/debian bookworm main/s);
      assert.equal((await run('chroot', [root, 'test', '-s', '/etc/ssl/certs/ca-certificates.crt'])).status, 0);
      await world.images.remove('debian:bookworm');
      assert.deepEqual(await world.left(), []);
    } finally {
      await world.remove();
    }
  });

  it('says what it can make, and which tool is missing', async () => {
    const world = await ImageWorld.create();
    const path = process.env['PATH'];
    try {
      await assert.rejects(world.images.bootstrap('fedora:40', quietContext), { code: 'BOOTSTRAP_UNKNOWN', status: 400, message: /fedora:40.*debian:bookworm/ });
      process.env['PATH'] = '/nonexistent';
      await assert.rejects(world.images.bootstrap('debian:bookworm', quietContext), { code: 'HOST_TOOL_MISSING', message: /mmdebstrap.*berth doctor --fix/ });
      process.env['PATH'] = path;
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 1500);
      await assert.rejects(world.images.bootstrap('debian:bookworm', { ...quietContext, signal: controller.signal }));
      assert.deepEqual(await world.left(), []);
    } finally {
      process.env['PATH'] = path;
      await world.remove();
    }
  });
});
