import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkHostName, HostList, nameFromUrl } from '../../../engine/remote/hosts.ts';

describe('the list of hosts', () => {
  let folder: string;
  let hosts: HostList;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-hosts-'));
    hosts = new HostList(join(folder, 'config', 'hosts.json'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const far = { name: 'far', url: 'ssh://me@far.example:2222', transport: 'auto' } as const;

  it('is empty without a file, and keeps what is added in one of mode 0600', async () => {
    assert.deepEqual(await hosts.list(), []);
    await hosts.add(far);
    await hosts.add({ ...far, name: 'other' });
    assert.deepEqual((await hosts.list()).map(({ name }) => name), ['far', 'other']);
    assert.deepEqual(await hosts.find('far'), far);
    assert.equal((await stat(hosts.path)).mode & 0o777, 0o600);
  });

  it('refuses a name twice, and names that cannot be files or mean this machine', async () => {
    await hosts.add(far);
    await assert.rejects(hosts.add(far), { code: 'HOST_EXISTS' });
    for (const name of ['', 'local', '../x', 'a/b', '-x', '.x', 'a b', 'x'.repeat(33), 'x.ctl']) assert.throws(() => checkHostName(name), { code: 'INVALID_HOST_NAME' }, name);
    for (const name of ['a', 'Build-1', 'x'.repeat(32), 'a.b_c']) checkHostName(name);
  });

  it('remembers the one in use until it is removed or this machine is used again', async () => {
    await hosts.add(far);
    await hosts.add({ ...far, name: 'other' });
    assert.equal(await hosts.default(), undefined);
    await hosts.use('far');
    assert.equal(await hosts.default(), 'far');
    await hosts.remove('other');
    assert.equal(await hosts.default(), 'far');
    await hosts.remove('far');
    assert.equal(await hosts.default(), undefined);
    await assert.rejects(hosts.use('far'), { code: 'NO_SUCH_HOST' });
    await hosts.add(far);
    await hosts.use('far');
    await hosts.use('local');
    assert.equal(await hosts.default(), undefined);
  });

  it('keeps what a later version wrote', async () => {
    await hosts.add(far);
    await writeFile(hosts.path, JSON.stringify({ version: 1, later: true, hosts: [{ ...far, options: { compression: true } }] }));
    await hosts.use('far');
    assert.deepEqual(JSON.parse(await readFile(hosts.path, 'utf8')), { version: 1, later: true, hosts: [{ ...far, options: { compression: true } }], default: 'far' });
  });

  it('loses nothing when many add and remove at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `h${index}`);
    await Promise.all(names.map((name) => new HostList(hosts.path).add({ ...far, name })));
    assert.deepEqual((await hosts.list()).map(({ name }) => name).sort(), names.toSorted());
    await Promise.all([...names.slice(5).map((name) => new HostList(hosts.path).remove(name)), hosts.use('h1')]);
    assert.deepEqual((await hosts.list()).map(({ name }) => name).sort(), names.slice(0, 5));
    assert.deepEqual(await readdir(join(folder, 'config')), ['hosts.json']);
  });

  it('is changed although a process was killed while it did so', async () => {
    await hosts.add(far);
    await writeFile(`${hosts.path}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, nonce: 'dead', serving: false }));
    await hosts.add({ ...far, name: 'other' });
    assert.equal((await hosts.list()).length, 2);
  });

  it('a damaged file is named and not written over', async () => {
    await hosts.add(far);
    await writeFile(hosts.path, '{"version":1,');
    await assert.rejects(hosts.list(), { code: 'HOSTS_UNREADABLE' });
    await assert.rejects(hosts.add({ ...far, name: 'x' }), { code: 'HOSTS_UNREADABLE' });
    assert.equal(await readFile(hosts.path, 'utf8'), '{"version":1,');
  });

  const named: ReadonlyArray<readonly [string, string]> = [
    ['ssh://me@build.example.com:22', 'build'],
    ['me@build', 'build'],
    ['build', 'build'],
    ['ssh://10.1.2.3', '10-1-2-3'],
    ['ssh://me@10.1.2.3:2200', '10-1-2-3'],
    ['ssh://[2001:db8::1]:22', '2001-db8--1'],
    ['ssh://me@my_host.local/', 'my_host'],
  ];
  for (const [url, name] of named) it(`${url} is called ${name}`, () => assert.equal(nameFromUrl(url), name));
});
