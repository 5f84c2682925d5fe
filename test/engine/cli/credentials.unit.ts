import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registryDomain, registryOf } from '../../../engine/api/docker/registryHost.ts';
import { authHeaders, dropCredentials, keepCredentials } from '../../../engine/cli/registry/credentials.ts';
import { Htpasswd } from '../../../engine/cli/registry/htpasswd.ts';

describe('credentials of registries', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-credentials-'));
    env = { DOCKER_CONFIG: join(folder, 'docker'), PATH: process.env['PATH'] };
    await mkdir(join(folder, 'docker'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const config = (value: object | string): Promise<void> => writeFile(join(folder, 'docker/config.json'), typeof value === 'string' ? value : JSON.stringify(value));
  const sent = async (image: string): Promise<object | undefined> => {
    const header = (await authHeaders(env, image))['X-Registry-Auth'];
    return header === undefined ? undefined : (JSON.parse(Buffer.from(header, 'base64url').toString()) as object);
  };

  it('go to the registry that they are for, under whatever key Docker kept them', async () => {
    await config({ auths: { 'https://index.docker.io/v1/': { auth: 'aHVi' }, 'https://other.example/v2/': { auth: 'b3RoZXI=' }, 'localhost:5000': { identitytoken: 'T' }, 'empty.example': {} } });
    assert.deepEqual(await sent('debian'), { auth: 'aHVi', serveraddress: 'https://index.docker.io/v1/' });
    assert.deepEqual(await sent('team/app:1'), { auth: 'aHVi', serveraddress: 'https://index.docker.io/v1/' });
    assert.deepEqual(await sent('other.example/app'), { auth: 'b3RoZXI=', serveraddress: 'other.example' });
    assert.deepEqual(await sent('localhost:5000/app'), { identitytoken: 'T', serveraddress: 'localhost:5000' });
    for (const image of ['empty.example/app', 'nobody.example/app']) assert.equal(await sent(image), undefined);
  });

  it('are kept and dropped in a file that need not be there', async () => {
    await rm(join(folder, 'docker'), { recursive: true });
    assert.equal(await sent('debian'), undefined);
    await keepCredentials(env, 'docker.io', { username: 'bob', password: 'p:q' });
    assert.deepEqual(JSON.parse(await readFile(join(folder, 'docker/config.json'), 'utf8')), { auths: { 'https://index.docker.io/v1/': { auth: Buffer.from('bob:p:q').toString('base64') } } });
    await keepCredentials(env, 'docker.io', { username: 'bob', password: 'p', identitytoken: 'T' });
    assert.equal((await readFile(join(folder, 'docker/config.json'), 'utf8')).includes(Buffer.from('bob:p').toString('base64').slice(0, 7)), false, 'not the password beside a token');
    assert.deepEqual([await dropCredentials(env, 'docker.io'), await dropCredentials(env, 'docker.io')], [true, false]);
  });

  it('a file that is no configuration is told without showing it', async () => {
    for (const text of ['{"auths": {"x": {"auth": "c2VjcmV0"', '{"auths":"c2VjcmV0"}', '[]']) {
      await config(text);
      await assert.rejects(sent('debian'), (error: Error & { code: string }) => error.code === 'BAD_REQUEST' && !error.message.includes('c2VjcmV0'));
    }
  });

  it('hosts are found in addresses and names', () => {
    assert.deepEqual(['', 'docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io'].map(registryDomain), ['docker.io', 'docker.io', 'docker.io', 'docker.io']);
    assert.deepEqual(['https://a.example/v1/', 'a.example:5000', 'http://a.example/'].map(registryDomain), ['a.example', 'a.example:5000', 'a.example']);
    assert.deepEqual(['app', 'team/app', 'localhost/app', 'a.example/team/app:1', 'host:5000/app', 'index.docker.io/app'].map(registryOf), ['docker.io', 'docker.io', 'localhost', 'a.example', 'host:5000', 'docker.io']);
  });

  it('of a htpasswd file count only as bcrypt, and changes count at once', async () => {
    const path = join(folder, 'users');
    // htpasswd -Bbn -C 4 bob secret
    const bob = 'bob:$2y$04$S3/qIrTuC8wQNExdn/vt6.OHnajm0HJedOLAtB1zxtOfgsRoJzUu.';
    await writeFile(path, `# users\n${bob}\n`);
    const users = new Htpasswd(path);
    const header = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    const asked = [header('bob:secret'), header('bob:secret'), header('bob:wrong'), header('eve:secret'), header('bob'), 'Bearer x', undefined];
    const answers: boolean[] = [];
    for (const one of asked) answers.push(await users.allows(one));
    assert.deepEqual(answers, [true, true, false, false, false, false, false]);
    await writeFile(path, '');
    assert.equal(await users.allows(header('bob:secret')), false);
    await writeFile(path, 'bob:$apr1$abc$def\n');
    await assert.rejects(users.users(), { code: 'BAD_REQUEST', message: /htpasswd -B/ });
  });
});
