import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { EndpointWorld } from '../../support/endpointWorld.ts';

describe('who may log in, and the host entries', () => {
  let world: EndpointWorld;
  before(async function () {
    this.timeout(300_000); // its base image may have to be made first
    world = await EndpointWorld.start('endkey');
  });
  after(() => world.remove());

  const own = (): string => join(world.config, '..', 'berth');
  const berth = (...args: string[]) => world.dev.engine.berth(args, { env: world.env, okStatus: 'any' });

  it('up has written keys, host key and entry for the user only, and an Include line', async () => {
    assert.equal(await readFile(world.config, 'utf8'), `Include ${own()}/config\n`);
    for (const path of await readdir(own(), { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(path.parentPath, path.name));
      assert.equal(mode & 0o777, path.isDirectory() ? 0o700 : 0o600, path.name);
    }
    const { stdout } = await run('ssh', ['-F', world.config, '-G', world.alias], { env: world.env });
    assert.match(stdout, /^user sailor$/m);
    assert.match(stdout, /^stricthostkeychecking (true|yes)$/m);
    assert.match(stdout, new RegExp(`^hostkeyalias ${world.alias}$`, 'm'));
  });

  it('another key is refused, and another host key is refused by the client', async () => {
    const key = join(world.dev.root, 'stranger');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const config = join(world.dev.root, 'strange-config');
    await writeFile(config, (await readFile(join(own(), 'config'), 'utf8')).replace(/IdentityFile .*/, `IdentityFile ${key}`));
    const stranger = await run('ssh', ['-F', config, world.alias, 'true'], { env: world.env, okStatus: 'any' });
    assert.match(stranger.stderr, /Permission denied \(publickey\)/);
    const hosts = join(world.dev.root, 'hosts');
    await writeFile(hosts, `${world.alias} ${(await readFile(`${key}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')}\n`);
    const changed = await world.ssh(['-o', `UserKnownHostsFile=${hosts}`, world.alias, 'true'], { okStatus: 'any' });
    assert.match(changed.stderr, /HOST IDENTIFICATION HAS CHANGED|Host key verification failed/);
    const nobody = await world.ssh(['-l', 'nobody-of-this-name', world.alias, 'true'], { okStatus: 'any' });
    assert.match(nobody.stderr, /Permission denied/);
  });

  it('the user’s configuration stays as it is but for one line at its top, through a link and with its mode; --remove restores it', async () => {
    const folder = join(world.dev.root, 'other-ssh');
    await mkdir(folder);
    const real = join(world.dev.root, 'dotfiles');
    const before = '# mine\nHost *\n  Port 22\n';
    await writeFile(real, before);
    await chmod(real, 0o644);
    await symlink(real, join(folder, 'config'));
    const run = (...args: string[]) => world.dev.engine.berth(['ssh-config', ...args], { env: { ...world.env, BERTH_SSH_FOLDER: folder } });
    assert.match((await run('--print')).stdout, /^Host app\.berth$/m);
    assert.equal(existsSync(join(folder, 'berth')), false, '--print writes nothing');
    assert.match((await run()).stdout, /app\.berth +sailor +running/);
    await run('--write', '--no-forward-agent');
    assert.equal(await readFile(real, 'utf8'), `Include ${folder}/berth/config\n${before}`);
    assert.equal((await stat(real)).mode & 0o777, 0o644);
    assert.match(await readFile(join(folder, 'berth', 'config'), 'utf8'), /ForwardAgent no/);
    assert.match((await run('--json')).stdout, /"alias":"app\.berth","kind":"devcontainer"/);
    await run('--remove');
    assert.equal(await readFile(real, 'utf8'), before);
    assert.equal(existsSync(join(folder, 'berth')), false);
  });

  it('any running container, once it is asked for', async () => {
    await world.dev.engine.docker(['run', '-d', '--name', 'Plain_One', 'users', 'sleep', '600']);
    assert.match((await berth('ssh-config', '--container', 'Plain_One')).stdout, /plain-one\.berth +root +running/);
    assert.equal((await world.ssh(['plain-one.berth', 'whoami; hostname'])).stdout.startsWith('root\n'), true);
    await world.dev.engine.docker(['rm', '-f', 'Plain_One']);
    assert.doesNotMatch((await berth('ssh-config')).stdout, /plain-one/);
  });

  it('what is stopped in the middle ends the connection; the next one brings it up again, unless told not to', async () => {
    const client = world.startSsh([world.alias, 'echo on; sleep 600']);
    await once(client.stdout ?? client, 'data');
    const ended = once(client, 'exit');
    await world.dev.engine.berth(['stop', '-t', '1', world.folder]);
    assert.notEqual((await ended)[0], 0);
    const refused = await run(process.execPath, [join(import.meta.dirname, '../../../dist/berth.cjs'), 'ssh-proxy', '--no-up', world.alias], { env: world.env, okStatus: 'any' });
    assert.match(refused.stderr, /Start it with: berth up .*\[DEVCONTAINER_NOT_UP\]/);
    const { stdout, stderr } = await world.ssh([world.alias, 'echo back']);
    assert.equal(stdout, 'back\n');
    assert.match(stderr, /berth: /, 'it says on stderr what takes time');
    const unknown = await run(process.execPath, [join(import.meta.dirname, '../../../dist/berth.cjs'), 'ssh-proxy', 'nothing.berth'], { env: world.env, okStatus: 'any' });
    assert.match(unknown.stderr, /There is no dev container nothing\.berth.*\[NO_SUCH_SSH_TARGET\]/);
  });

  it('a container made anew keeps its host key; down forgets it', async () => {
    const before = await readFile(join(own(), 'known_hosts.local'), 'utf8');
    await world.dev.up(world.folder, ['--remove-existing-container']);
    assert.equal(await readFile(join(own(), 'known_hosts.local'), 'utf8'), before);
    await world.dev.engine.berth(['down', world.folder]);
    await berth('ssh-config');
    assert.equal(await readFile(join(own(), 'known_hosts.local'), 'utf8'), '');
    await rm(join(own(), 'config'));
  });
});
