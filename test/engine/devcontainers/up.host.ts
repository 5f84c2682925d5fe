import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DevProjects } from '../../support/devProjects.ts';
import type { UpResult } from '../../support/devProjects.ts';

describe('bringing a dev container up', () => {
  let dev: DevProjects;
  before(async () => {
    dev = await DevProjects.start('devup');
  });
  after(() => dev.remove());

  describe('up', () => {
    it('prints exactly the reference’s line, and a second up uses the same container', async () => {
      const folder = await dev.project('plain', { image: 'users' });
      const first = await dev.engine.berth(['up', folder]);
      const line = JSON.parse(first.stdout) as UpResult;
      assert.deepEqual(Object.keys(line), ['outcome', 'containerId', 'remoteUser', 'remoteWorkspaceFolder']);
      assert.match(line.containerId ?? '', /^[0-9a-f]{64}$/);
      assert.deepEqual([line.outcome, line.remoteUser, line.remoteWorkspaceFolder], ['success', 'sailor', '/workspaces/plain']);
      const again = await dev.up(folder);
      assert.equal(again.containerId, line.containerId);
      assert.match(again.log, /runs already/);
    });

    it('starts a stopped container again, and a new one with --remove-existing-container', async () => {
      const folder = dev.folder('plain');
      const { containerId } = await dev.up(folder);
      await dev.engine.berth(['stop', folder]);
      assert.equal((await dev.up(folder)).containerId, containerId);
      const fresh = await dev.up(folder, ['--remove-existing-container']);
      assert.notEqual(fresh.containerId, containerId);
      assert.deepEqual(await dev.containersOf(folder), [fresh.containerId]);
    });

    it('--remove-existing-container keeps the old container when the image cannot be built', async () => {
      const folder = await dev.project('kept', { image: 'users' });
      const { containerId } = await dev.up(folder);
      await dev.project('kept', { build: { dockerfile: 'Dockerfile' } });
      await writeFile(join(folder, '.devcontainer', 'Dockerfile'), 'FROM users\nRUN exit 3\n');
      assert.match((await dev.up(folder, ['--remove-existing-container'])).log, /\[BUILD_STEP_FAILED\]/);
      assert.deepEqual(await dev.containersOf(folder), [containerId]);
    });

    it('tells when the definition has changed since the container was made', async () => {
      const folder = await dev.project('changed', { image: 'users' });
      const { containerId } = await dev.up(folder);
      await dev.project('changed', { image: 'users', customizations: { vscode: {} }, postAttachCommand: 'true' });
      assert.doesNotMatch((await dev.up(folder)).log, /has changed/);
      await dev.project('changed', { image: 'users', containerEnv: { NEW: '1' } });
      const after = await dev.up(folder);
      assert.match(after.log, /has changed since the container .* --remove-existing-container/);
      assert.equal(after.containerId, containerId);
    });

    it('takes mounts, runArgs and containerEnv, and leaves the image’s command where it was', async () => {
      const folder = await dev.project('options', {
        image: 'users',
        containerEnv: { A: '${localEnv:FROM_CLIENT}', B: '${localWorkspaceFolderBasename}' },
        mounts: ['type=volume,source=devc-named,target=/named', { type: 'volume', target: '/anonymous' }, 'type=tmpfs,target=/scratch'],
        runArgs: ['--hostname', 'pier', '--memory=64m', '--label', 'mine=1'],
        init: true,
      });
      const before = await dev.volumes();
      const { containerId = '' } = await dev.up(folder, [], { env: { FROM_CLIENT: 'hello' } });
      assert.equal(await dev.inside(folder, 'echo $A $B $(hostname); stat -f -c %T /scratch; ls -d /named /anonymous'), 'hello options pier\ntmpfs\n/anonymous\n/named\n');
      const [details] = JSON.parse((await dev.engine.docker(['inspect', containerId])).stdout) as Array<{ HostConfig: { Memory: number }; Config: { Labels: Record<string, string> } }>;
      assert.equal(details?.HostConfig.Memory, 64 * 1024 * 1024);
      assert.equal(details.Config.Labels['mine'], '1');
      assert.equal(typeof details.Config.Labels['berth.image.command'], 'string');
      await dev.engine.berth(['down', folder]);
      assert.deepEqual(await dev.volumes(), [...before, 'devc-named'], 'what it had of its own is gone, what was named is not');
      await dev.engine.docker(['volume', 'rm', 'devc-named']);
    });

    it('builds with the caches and the flags of docker build that the definition names; caches that cannot be had are warned of', async () => {
      const dockerfile = 'FROM users\nRUN date +%N > /stamp\nARG WHO\nRUN --mount=type=secret,id=word echo "$WHO $(cat /run/secrets/word) $(grep -c build.test /etc/hosts)" > /given\nCOPY --from=lib one /one\n';
      const folder = await dev.project('cached', {
        build: { dockerfile: 'Dockerfile', args: { WHO: 'args' }, cacheFrom: ['warm', 'type=gha', '127.0.0.1:1/none:cache'], options: ['--build-arg=WHO=${localEnv:FROM_CLIENT}', '--secret', 'id=word,src=word', '--add-host', 'build.test:10.1.2.3', '--build-context', 'lib=lib', '--label', 'made=${localWorkspaceFolderBasename}'] },
      });
      await mkdir(join(folder, 'lib'));
      await writeFile(join(folder, 'lib', 'one'), 'of the library');
      await writeFile(join(folder, 'word'), 'whispered');
      await writeFile(join(folder, '.devcontainer', 'Dockerfile'), dockerfile);
      // As a colleague has built it, with the steps inside: of them only the image is left here.
      await dev.engine.berth(['build', '-t', 'warm', '--cache-to=type=inline', '--add-host=build.test:10.3.2.1', '--secret', `id=word,src=${join(folder, 'word')}`, '--build-context', `lib=${join(folder, 'lib')}`, join(folder, '.devcontainer')]);
      const { stdout: stamp } = await dev.engine.docker(['run', '--rm', 'warm', 'cat', '/stamp']);
      await dev.engine.docker(['builder', 'prune', '-af']);
      const { log, containerId = '' } = await dev.up(folder, [], { env: { FROM_CLIENT: 'options' } });
      assert.equal(await dev.inside(folder, 'cat /stamp /given /one'), `${stamp}options whispered 1\nof the library`);
      assert.match(log, /the build cache type=gha is not used: caches of type gha are not supported/);
      assert.match(log, /the build cache 127\.0\.0\.1:1\/none:cache is not used/);
      assert.equal((await dev.engine.docker(['inspect', '-f', '{{index .Config.Labels "made"}}', containerId])).stdout, 'cached\n');
      await dev.project('cached', { build: { dockerfile: 'Dockerfile', options: ['--no-cache', '--frobnicate'] } });
      assert.match((await dev.up(folder, ['--remove-existing-container'])).log, /devcontainer\.json:\d+:\d+ \(\/build\/options\/1\): --frobnicate is not a flag of docker build/);
      await dev.engine.berth(['down', folder]);
    });

    it('of several at once, all use one container', async () => {
      const folder = await dev.project('race', { image: 'users', postCreateCommand: 'echo x >> count' });
      const ids = (await Promise.all([dev.up(folder), dev.up(folder), dev.up(folder)])).map((one) => one.containerId);
      assert.equal(new Set(ids).size, 1);
      assert.equal(await readFile(join(folder, 'count'), 'utf8'), 'x\n');
    });
  });

  describe('files of the workspace', () => {
    const owners: Array<[string, number, string]> = [
      ['owned by 1000, remote user 501', 1000, 'sailor'],
      ['owned by 501, remote user 1000', 501, 'user'],
      ['owned by root, remote user 501', 0, 'sailor'],
      ['owned by 1000, remote user root', 1000, 'root'],
      ['owned by 1000, remote user 1000', 1000, 'user'],
    ];
    for (const [name, owner, remoteUser] of owners) {
      it(`${name}: belong to the user inside and to the owner outside`, async () => {
        const folder = await dev.project(`own-${owner}-${remoteUser}`, { image: 'users', remoteUser }, owner);
        assert.equal((await dev.up(folder)).remoteUser, remoteUser);
        assert.equal(await dev.inside(folder, 'touch made && mkdir dir && touch dir/deep && stat -c %U:%G . made dir/deep && id -un'), `${remoteUser}:${remoteUser}\n`.repeat(3) + `${remoteUser}\n`);
        for (const path of ['made', 'dir', 'dir/deep']) {
          const info = await stat(join(folder, path));
          assert.deepEqual([info.uid, info.gid], [owner, owner], path);
        }
      });
    }

    it('no chown layer: the image’s own files are untouched', async () => {
      const folder = dev.folder('own-1000-sailor');
      assert.equal((await dev.inside(folder, 'stat -c %u /home/sailor /home/user')).trim(), '501\n1000');
      const upper = (await dev.engine.berth(['inspect', '--format', '{{.GraphDriver.Data.UpperDir}}', folder])).stdout.trim();
      assert.deepEqual(await readdir(join(upper, 'home')).catch(() => []), []);
      for (const name of ['passwd', 'environment', 'profile']) assert.equal(existsSync(join(upper, 'etc', name)), false, name);
    });

    it('a remote user that the image does not have is named, and no container is left', async () => {
      const folder = await dev.project('stranger', { image: 'users', remoteUser: 'stranger' });
      const { outcome, message, log } = await dev.up(folder);
      assert.equal(outcome, 'error');
      assert.match(`${message ?? ''}${log}`, /The user stranger is not in \/etc\/passwd of the image users.*\[DEVCONTAINER_USER_UNKNOWN\]/s);
      assert.deepEqual(await dev.containersOf(folder), []);
    });
  });

  describe('a definition that is wrong', () => {
    const table: Array<[string, string, RegExp]> = [
      ['syntax', '{\n  "image": "users"\n  "name": "x"\n}', /devcontainer\.json:3:3: comma expected.*DEVCONTAINER_INVALID/s],
      ['type', '{\n  // comment\n  "image": "users",\n  "forwardPorts": [8000, "x y"]\n}', /devcontainer\.json:4:26 \(\/forwardPorts\/1\).*DEVCONTAINER_INVALID/s],
      ['features', '{\n  "image": "users",\n  "features": { "ghcr.io/x/y:1": {} }\n}', /devcontainer\.json:3:3 \(\/features\).*"features" is not supported.*DEVCONTAINER_UNSUPPORTED/s],
      ['flag', '{ "image": "users", "runArgs": ["--init", "--wat"] }', /\(\/runArgs\/1\): --wat is not a flag.*DEVCONTAINER_INVALID/s],
      ['image', '{ "image": "localhost:1/nothing:none" }', /localhost:1/],
      ['dockerfile', '{ "build": { "dockerfile": "Nothing" } }', /Nothing/],
      ['mount', '{ "image": "users", "mounts": ["type=bind,source=/no/such/folder,target=/x"] }', /\/no\/such\/folder.*BIND_SOURCE_MISSING/s],
    ];
    for (const [name, text, message] of table) {
      it(`${name}: says where and what, and leaves nothing`, async () => {
        const folder = await dev.project(`wrong-${name}`, text);
        const result = await dev.up(folder);
        assert.deepEqual([result.status, result.outcome], [1, 'error']);
        assert.ok(result.description);
        assert.match(`${result.message ?? ''}\n${result.log}`, message);
        assert.deepEqual(await dev.containersOf(folder), []);
      });
    }

    it('none at all: says where it looked', async () => {
      const folder = dev.folder('none');
      await mkdir(folder);
      assert.match((await dev.up(folder)).log, /no dev container definition in .*\.devcontainer\/devcontainer\.json.*\[DEVCONTAINER_NOT_FOUND\]/s);
      assert.match((await dev.up(dev.folder('no-such-folder'))).log, /does not exist.*\[WORKSPACE_FOLDER_NOT_FOUND\]/s);
    });
  });

  describe('the sample', () => {
    it('comes up, tests itself, answers on its port, and its tests run inside', async function () {
      this.timeout(180_000);
      const folder = dev.folder('hello');
      await cp(resolve(import.meta.dirname, '../../../samples/hello'), folder, { recursive: true });
      const { outcome, remoteUser, remoteWorkspaceFolder, log } = await dev.up(folder);
      assert.deepEqual([outcome, remoteUser, remoteWorkspaceFolder], ['success', 'sailor', '/workspaces/hello'], log);
      assert.match(log, /Ran \d+ tests[\s\S]*OK/);
      await dev.engine.berth(['exec', '--folder', folder, '--detach', '--', 'python3', '-m', 'hello']);
      const url = /port 8000 is (http:\S+)/.exec(log)?.[1] ?? '';
      let page = '';
      for (let attempt = 0; attempt < 100 && page === ''; attempt += 1) {
        await delay(100);
        page = await fetch(url).then((answer) => answer.text(), () => '');
      }
      assert.match(page, /running as <b>sailor<\/b>/);
      assert.match((await dev.engine.berth(['exec', '--folder', folder, '--', 'python3', '-m', 'unittest'])).stderr, /OK/);
    });
  });
});
