import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { quietContext } from '../../../engine/base/context.ts';
import { makeAuthority } from '../../support/certificates.ts';
import type { Authority } from '../../support/certificates.ts';
import { BreakingProxy } from '../../support/breakingProxy.ts';
import { dockerArchive, plainLayer } from '../../support/imageArchive.ts';
import { ImageWorld } from '../../support/imageWorld.ts';
import { TestRegistry } from '../../support/registry.ts';
import { tarball } from '../../support/tarball.ts';
import { TokenServer } from '../../support/tokenServer.ts';

const layer = plainLayer(tarball([{ path: 'file', content: 'x'.repeat(300_000) }]));
const { signal } = quietContext;

describe('registries that are reached by TLS, by tokens, by mirrors', () => {
  let folder: string;
  let authority: Authority;
  let server: { cert: string; key: string };
  let world: ImageWorld;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-access-'));
    authority = await makeAuthority(folder);
    server = await authority.issue('server');
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    world = await ImageWorld.create();
    await world.images.loadArchive(Readable.from([dockerArchive({ layers: [layer], tags: ['app:1'] }).archive], { objectMode: false }), quietContext);
  });
  afterEach(() => world.remove());

  const settings = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [path, from] of Object.entries(files)) {
      await mkdir(join(world.root, 'settings', path, '..'), { recursive: true });
      if (from.startsWith('{')) await writeFile(join(world.root, 'settings', path), from);
      else await copyFile(from, join(world.root, 'settings', path));
    }
  };
  const push = async (host: string, credentials?: { username: string; password: string } | { identityToken: string }): Promise<string> => {
    await world.images.tag('app:1', `${host}/team/app:1`);
    return (await world.remote.push(`${host}/team/app:1`, credentials ? { credentials } : {}, quietContext)).digest;
  };

  it('a certificate of an unknown authority is refused; in certs.d the authority is known', async () => {
    const registry = await TestRegistry.start({ tls: { ca: authority.ca, ...server } });
    try {
      await settings({ [`certs.d/${registry.host}/placeholder`]: '{}' });
      await assert.rejects(push(registry.host), { code: 'REGISTRY_UNTRUSTED', message: new RegExp(`certs\\.d/${registry.host}`) });
      await settings({ [`certs.d/${registry.host}/ca.crt`]: authority.ca });
      const digest = await push(registry.host);
      assert.equal((await world.remote.manifest(`${registry.host}/team/app:1`, undefined, signal)).digest, digest);
      assert.equal((await world.images.pull(`${registry.host}/team/app:1`, {}, quietContext)).id, world.images.resolve('app:1').id);
    } finally {
      await registry.stop();
    }
  });

  it('a registry that wants a certificate of its clients gets the one in certs.d', async () => {
    const registry = await TestRegistry.start({ tls: { ca: authority.ca, ...server, clientCa: authority.ca } });
    try {
      await settings({ [`certs.d/${registry.host}/ca.crt`]: authority.ca });
      await assert.rejects(push(registry.host), { code: 'REGISTRY_UNREACHABLE' });
      const client = await authority.issue('client');
      await settings({ [`certs.d/${registry.host}/client.cert`]: client.cert });
      await assert.rejects(push(registry.host), { code: 'REGISTRY_SETTINGS_INVALID', message: /client\.key is missing/ });
      await settings({ [`certs.d/${registry.host}/client.key`]: client.key });
      await push(registry.host);
    } finally {
      await registry.stop();
    }
  });

  it('tokens are got for what is done, kept while they hold, and renewed; a refresh token serves as well as a password', async () => {
    const tokens = await TokenServer.start(server.key, { name: 'bob', password: 'pass-secret' });
    const registry = await TestRegistry.start({ token: { realm: tokens.realm, certificate: server.cert } });
    try {
      const credentials = { username: 'bob', password: 'pass-secret' };
      await push(registry.host, credentials);
      assert.deepEqual([...new Set(tokens.asked.flatMap(({ scopes }) => scopes))], ['repository:team/app:pull,push']);
      assert.equal(tokens.asked.length, 1, 'one token for all of it');
      assert.equal(await world.registries.login(registry.host, credentials, signal), TokenServer.refreshToken);
      tokens.life = 5; // less than the margin: each is renewed at once
      tokens.asked.length = 0;
      const image = await world.images.pull(`${registry.host}/team/app:1`, { credentials: { identityToken: TokenServer.refreshToken } }, quietContext);
      assert.equal(image.id, world.images.resolve('app:1').id);
      assert.ok(tokens.asked.every(({ method, grant }) => method === 'POST' && grant === 'refresh_token'));
      assert.deepEqual((await world.remote.search(`${registry.host}/app`, 10, credentials, signal)).map(({ name }) => name), [`${registry.host}/team/app`], 'the list of repositories has a scope of its own');
      tokens.busy = 2;
      assert.deepEqual(await world.remote.tags(`${registry.host}/team/app`, credentials, signal), ['1'], 'who gives the tokens is busy, and asked again');
      assert.equal(tokens.busy, 0);
      const wrong = { username: 'bob', password: 'wrong-secret' };
      for (const attempt of [() => push(registry.host, wrong), () => world.registries.login(registry.host, wrong, signal), () => push(registry.host, { identityToken: 'wrong-secret' }), () => push(registry.host)]) {
        await assert.rejects(attempt(), (error: Error & { code: string }) => /^(REGISTRY_UNAUTHORIZED|LOGIN_REFUSED)$/.test(error.code) && !String(error.stack).includes('wrong-secret') && !String(error.message).includes('wrong-secret'));
      }
    } finally {
      tokens.close();
      await registry.stop();
    }
  });

  it('a login with a name and a password is checked', async () => {
    const registry = await TestRegistry.start({ users: { bob: 'secret' } });
    try {
      assert.equal(await world.registries.login(registry.host, { username: 'bob', password: 'secret' }, signal), undefined);
      await assert.rejects(world.registries.login(registry.host, { username: 'bob', password: 'other' }, signal), { code: 'LOGIN_REFUSED', status: 401 });
      await push(registry.host, { username: 'bob', password: 'secret' });
    } finally {
      await registry.stop();
    }
  });

  it('mirrors are asked first; what one lacks, refuses or lies about comes from the registry, whose credentials it never sees', async () => {
    const registry = await TestRegistry.start({ users: { bob: 'secret' } });
    const empty = await TestRegistry.start();
    const mirror = await BreakingProxy.start(empty.host);
    try {
      const credentials = { username: 'bob', password: 'secret' };
      const ref = `${registry.host}/team/app:1`;
      const { id } = world.images.resolve('app:1');
      await push(registry.host, credentials);
      await settings({ 'registries.json': JSON.stringify({ mirrors: { [registry.host]: [`http://${mirror.host}`] } }) });
      const pull = async (): Promise<string> => {
        for (const image of world.images.list()) await world.images.remove(image.id, { force: true });
        return (await world.images.pull(ref, { credentials }, quietContext)).id;
      };
      assert.equal(await pull(), id, 'a mirror that has nothing');
      mirror.harm = () => ({ status: 400 });
      assert.equal(await pull(), id, 'one that refuses');
      assert.ok(mirror.seen.length >= 2);
      // One that has the image, but not right: it is noticed only when its bytes have gone on.
      await empty.push(`docker://${ref}`, 'team/app:1', ['--src-tls-verify=false', '--src-creds', 'bob:secret']);
      mirror.harm = () => undefined;
      mirror.seen.length = 0;
      await pull();
      assert.ok(mirror.count('GET', /blobs/) >= 2, 'one that has it');
      const config = new RegExp(`/blobs/${id}`);
      const layers = new RegExp(`/blobs/(?!${id})`);
      for (const [what, harm] of Object.entries({ lies: { lie: (chunk: Buffer) => Buffer.from(chunk).fill(7, chunk.length - 9) }, 'says nonsense': { lie: (chunk: Buffer) => Buffer.from(chunk).fill(0x20) }, refuses: { status: 403 } })) {
        for (const blobs of [config, layers]) {
          mirror.seen.length = 0;
          mirror.harm = ({ url }) => (blobs.test(url ?? '') ? harm : undefined);
          assert.equal(await pull(), id, `one that ${what}`);
          assert.ok(mirror.count('GET', blobs) >= 1, what);
        }
      }
      assert.deepEqual(mirror.seen.filter(({ authorization }) => authorization !== undefined), []);
    } finally {
      mirror.close();
      await empty.stop();
      await registry.stop();
    }
  });

  it('plain HTTP is for this machine, and for hosts that are named insecure; settings that cannot be read are told', async () => {
    const plain = world.registries.settings;
    assert.deepEqual(['127.0.0.1:5000', 'localhost', 'registry.lan:5000', '127.0.0.1.example'].map((host) => plain.isPlain(host)), [true, true, false, false]);
    await settings({ 'registries.json': '{"insecure":["registry.lan:5000"]}' });
    assert.equal(world.registries.settings.isPlain('registry.lan:5000'), true);
    for (const text of ['{', '{"insecure":"all"}', '{"mirrors":{"docker.io":["ftp://x"]}}', '{"unknown":1}']) {
      await settings({ 'registries.json': text });
      assert.throws(() => world.registries.settings, { code: 'REGISTRY_SETTINGS_INVALID', message: /registries\.json/ });
    }
  });
});

describe('pulling over a line that breaks', () => {
  let registry: TestRegistry;
  let proxy: BreakingProxy;
  let world: ImageWorld;
  before(async () => {
    registry = await TestRegistry.start();
    proxy = await BreakingProxy.start(registry.host);
    const maker = await ImageWorld.create();
    const incompressible = plainLayer(tarball([{ path: 'data', content: randomBytes(3_000_000) }]));
    await maker.images.loadArchive(Readable.from([dockerArchive({ layers: [incompressible, layer], tags: [`${registry.host}/app:1`] }).archive], { objectMode: false }), quietContext);
    await maker.remote.push(`${registry.host}/app:1`, {}, quietContext);
    await maker.remove();
  });
  after(async () => {
    proxy.close();
    await registry.stop();
  });
  beforeEach(async () => {
    proxy.seen.length = 0;
    world = await ImageWorld.create();
  });
  afterEach(() => world.remove());
  const isBlob = (url: string | undefined): boolean => /\/blobs\//.test(url ?? '');
  const pull = (context = quietContext): Promise<{ id: string }> => world.images.pull(`${proxy.host}/app:1`, {}, context);

  it('goes on where it broke, by ranges, and downloads nothing twice', async () => {
    await pull();
    const whole = proxy.seen.filter(({ path }) => isBlob(path)).reduce((sum, { sent }) => sum + sent, 0);
    for (const image of world.images.list()) await world.images.remove(image.id, { force: true });
    proxy.seen.length = 0;
    let breaks = 6;
    proxy.harm = ({ url }) => (isBlob(url) && breaks-- > 0 ? { breakAnswerAfter: 150_000 } : undefined);
    await pull();
    const blobs = proxy.seen.filter(({ path }) => isBlob(path));
    assert.ok(blobs.some(({ range }) => /^bytes=\d+-$/.test(range ?? '')), 'by ranges');
    const sent = blobs.reduce((sum, one) => sum + one.sent, 0);
    assert.ok(sent >= whole && sent < whole + 700_000, `${sent} of ${whole}`); // what was on the wire at a break may be lost
  });

  it('waits as a busy registry says, and gives up on one that stays so', async () => {
    let busy = 4;
    proxy.harm = ({ url }) => (isBlob(url) && busy-- > 0 ? { status: busy % 2 === 0 ? 429 : 503, headers: { 'Retry-After': '0' } } : undefined);
    await pull();
    proxy.harm = () => ({ status: 503, headers: { 'Retry-After': '0' } });
    proxy.seen.length = 0;
    await assert.rejects(pull(), { code: 'REGISTRY_REFUSED', message: /503/ });
    assert.equal(proxy.seen.length, 5);
  });

  it('a registry that lies is caught, and nothing is kept', async () => {
    proxy.harm = ({ url }) => (isBlob(url) ? { lie: (chunk) => (chunk.length > 20_000 ? Buffer.from(chunk).fill(7, chunk.length - 9) : chunk) } : undefined);
    await assert.rejects(pull(), { code: /DIGEST_MISMATCH|ARCHIVE_INVALID/ });
    assert.deepEqual(await world.left(), []);
  });

  it('two pulls of one image share each download', async () => {
    proxy.harm = () => undefined;
    const [one, two] = await Promise.all([pull(), pull()]);
    assert.equal(one.id, two.id);
    const layers = proxy.seen.filter(({ path, sent }) => isBlob(path) && sent > 5000);
    assert.equal(new Set(layers.map(({ path }) => path)).size, layers.length);
  });
});
