import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { upDevContainer } from '../../../src/client/devContainerClient.ts';
import { connect } from '../../../src/hosts/connect.ts';
import { registryLogins } from '../../../src/hosts/registryLogins.ts';
import { DevProjects } from '../../support/devProjects.ts';
import { TestRegistry } from '../../support/registry.ts';
import { RemoteWorld } from '../../support/remoteWorld.ts';

const PASSWORD = 'login-of-the-client-4711';

describe('dev containers of images that want a login', () => {
  let dev: DevProjects;
  let registry: TestRegistry;
  let world: RemoteWorld;
  let base: string;
  /** Where the login is kept: on the client, not with the engine. */
  let loggedIn: NodeJS.ProcessEnv;
  before(async () => {
    dev = await DevProjects.start('devlogin');
    registry = await TestRegistry.start({ users: { sailor: PASSWORD } });
    world = await RemoteWorld.create(dev.engine);
    await world.addHost('far');
    base = `${registry.host}/team/base:1`;
    const config = join(dev.root, 'client', 'docker-config');
    await mkdir(config, { recursive: true });
    loggedIn = { DOCKER_CONFIG: config };
    await dev.engine.berth(['login', '-u', 'sailor', '--password-stdin', registry.host], { env: loggedIn, input: PASSWORD });
    await dev.engine.berth(['tag', 'users', base]);
    await dev.engine.berth(['push', base], { env: loggedIn });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await dev.remove();
    await registry.stop();
  });

  const image = async (): Promise<string> => dev.project('image', { image: base });
  const dockerfile = async (): Promise<string> => {
    const folder = await dev.project('dockerfile', { build: { dockerfile: 'Dockerfile' } });
    await writeFile(join(folder, '.devcontainer', 'Dockerfile'), `FROM ${base}\nRUN echo made > /made\n`);
    return folder;
  };
  const forget = (): Promise<unknown> => dev.engine.berth(['rmi', '-f', base], { okStatus: 'any' });
  const none = { DOCKER_CONFIG: '/nonexistent' };

  for (const [what, project] of [['an image', image], ['the base of a Dockerfile', dockerfile]] as const) {
    it(`up gets ${what} with the client's login, and says without one that it is wanted`, async () => {
      const folder = await project();
      await forget();
      assert.match((await dev.up(folder, [], { env: none })).log, /wants a login/);
      assert.equal((await dev.up(folder, [], { env: loggedIn })).outcome, 'success');
      await dev.engine.berth(['down', folder]);
    });
  }

  it('so does up on another host, which has no login of its own', async () => {
    const folder = await image();
    await forget();
    const up = (env: NodeJS.ProcessEnv): ReturnType<typeof run> => world.berth(['--host', 'far', 'up', `host:${folder}`], { env, okStatus: 'any' });
    const refused = await up(none);
    assert.match(refused.stdout + refused.stderr, /wants a login/);
    assert.equal((JSON.parse((await up(loggedIn)).stdout) as { outcome: string }).outcome, 'success');
    await dev.engine.berth(['down', folder]);
  });

  for (const where of ['here', 'to another host']) {
    it(`the extension’s up sends it too, ${where}`, async () => {
      const folder = await image();
      const { signal } = new AbortController();
      if (where !== 'here') await world.berth(['--host', 'far', 'version']); // the link that the extension goes by, too
      const { api } = await connect(where === 'here' ? dev.engine.client.socketPath : world.socket('far'), signal);
      const up = async (env: NodeJS.ProcessEnv): Promise<string> => {
        const logins = await registryLogins({ ...process.env, ...env }, (error) => assert.fail(String(error)));
        return (await upDevContainer(api, { folder, file: '' }, { localEnv: {}, logins, rebuild: undefined }, () => undefined, signal)).containerId;
      };
      await forget();
      await assert.rejects(up(none), { message: /wants a login/ });
      assert.match(await up(loggedIn), /^[0-9a-f]{64}$/);
      await dev.engine.berth(['down', folder]);
    });
  }

  it('the engine keeps the login nowhere', async () => {
    const encoded = Buffer.from(`sailor:${PASSWORD}`).toString('base64');
    const found = await run('grep', ['-rlF', '-e', PASSWORD, '-e', encoded, dev.engine.dataRoot, dev.engine.runRoot], { okStatus: 'any' });
    assert.equal(found.stdout, '');
  });
});
