import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { upEventSchema } from '../../../engine/api/berth/devcontainer.ts';
import { configOf, DevProjects } from '../../support/devProjects.ts';
import { bundle } from '../../support/engine.ts';
import { onTerminal } from '../../support/terminal.ts';

describe('a dev container in use', () => {
  let dev: DevProjects;
  before(async () => {
    dev = await DevProjects.start('devuse');
  });
  after(() => dev.remove());

  describe('lifecycle commands', () => {
    const config = {
      image: 'users',
      initializeCommand: 'echo "initialize $(id -u)" >> order',
      onCreateCommand: 'echo onCreate >> order',
      updateContentCommand: ['sh', '-c', 'echo updateContent >> order'],
      postCreateCommand: { one: 'sleep 0.2; echo postCreate >> order', two: ['sh', '-c', 'sleep 0.2; echo postCreate >> order'] },
      postStartCommand: 'echo postStart >> order',
      postAttachCommand: 'echo postAttach >> order',
    };
    const orderOf = async (folder: string): Promise<string[]> => {
      const text = await readFile(join(folder, 'order'), 'utf8');
      await writeFile(join(folder, 'order'), '');
      return text.trim().split('\n');
    };

    it('run in order, the image’s first; once for a container, once for a start, every time; on the host as the folder’s owner', async () => {
      const folder = await dev.project('order', config, 1000);
      await dev.up(folder);
      assert.equal((await stat(join(folder, 'order'))).uid, 1000);
      assert.deepEqual(await orderOf(folder), ['initialize 1000', 'image-onCreate', 'onCreate', 'updateContent', 'postCreate', 'postCreate', 'postStart', 'postAttach']);
      await dev.up(folder);
      assert.deepEqual(await orderOf(folder), ['initialize 1000', 'postAttach']);
      await dev.engine.berth(['stop', folder]);
      await dev.up(folder);
      assert.deepEqual(await orderOf(folder), ['initialize 1000', 'postStart', 'postAttach']);
      await dev.up(folder, ['--remove-existing-container', '--skip-non-blocking-commands']);
      assert.deepEqual(await orderOf(folder), ['initialize 1000', 'image-onCreate', 'onCreate', 'updateContent']);
      await dev.up(folder, ['--skip-post-attach']);
      assert.deepEqual(await orderOf(folder), ['initialize 1000', 'postCreate', 'postCreate', 'postStart']);
    });

    it('one that fails fails the up, stops those after it, and runs again the next time', async () => {
      const folder = await dev.project('fails', { image: 'users', postCreateCommand: 'echo try >> order; cat fixed', postStartCommand: 'echo postStart >> order' });
      const failed = await dev.up(folder);
      assert.deepEqual([failed.status, failed.outcome], [1, 'error']);
      assert.match(failed.message ?? '', /postCreateCommand ended with status 1 \(.*devcontainer\.json:3:24\)/);
      assert.match(failed.log, /No such file or directory[\s\S]*\[DEVCONTAINER_COMMAND_FAILED\]/);
      assert.ok(failed.containerId, 'the container is there to look into');
      assert.deepEqual(await orderOf(folder), ['image-onCreate', 'try']);
      await writeFile(join(folder, 'fixed'), '');
      assert.equal((await dev.up(folder)).outcome, 'success');
      assert.deepEqual(await orderOf(folder), ['try', 'postStart']);
    });

    it('an engine killed in the middle of one leaves a container that the next up goes on with', async () => {
      const folder = await dev.project('killed', { image: 'users', onCreateCommand: 'echo one >> order', postCreateCommand: 'echo two >> order; sleep 1' });
      const first = dev.up(folder);
      while (!existsSync(join(folder, 'order')) || !(await readFile(join(folder, 'order'), 'utf8')).includes('two')) await delay(20);
      await dev.engine.kill();
      assert.equal((await first).outcome, 'error');
      const second = await dev.up(folder);
      assert.equal(second.outcome, 'success');
      assert.deepEqual(await orderOf(folder), ['image-onCreate', 'one', 'two', 'two']);
    });

    it('one that is interrupted ends, with all it started', async () => {
      const folder = await dev.project('interrupted', { image: 'users', postCreateCommand: 'echo begun > begun; sleep 987' });
      const gone = new AbortController();
      const lines = dev.engine.client.lines('POST', '/berth/v1/devcontainers/up', upEventSchema, { json: { folder }, signal: gone.signal });
      await assert.rejects(async () => {
        for await (const event of lines) {
          if (event.type !== 'step' || event.step !== 'postCreateCommand') continue;
          while (!existsSync(join(folder, 'begun'))) await delay(20);
          gone.abort();
        }
      });
      const running = async (): Promise<string> => (await dev.engine.docker(['top', (await dev.containersOf(folder))[0] ?? ''])).stdout;
      for (let attempt = 0; attempt < 50 && /sleep 987/.test(await running()); attempt += 1) await delay(50);
      assert.doesNotMatch(await running(), /sleep 987/);
    });
  });

  describe('exec', () => {
    it('has the user’s environment, remoteEnv over it, the workspace as folder, and the command’s status', async () => {
      const folder = await dev.project('env', { image: 'users', containerEnv: { C: 'container' }, remoteEnv: { R: '${containerEnv:C}-remote', PATH: '${containerEnv:PATH}:/more', FROM_IMAGE: null } });
      await dev.up(folder);
      const { stdout } = await dev.engine.berth(['exec', '--folder', folder, '-e', 'X=1', '--', 'sh', '-c', 'echo "$FROM_PROFILE $C $R $META $X ${FROM_IMAGE-gone} $HOME"; pwd; echo $PATH']);
      assert.equal(stdout, 'yes container container-remote yes 1 gone /home/sailor\n/workspaces/env\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/more\n');
      const failed = await dev.engine.berth(['exec', '--folder', folder, 'sh', '-c', 'echo out; echo err >&2; exit 7'], { okStatus: [7] });
      assert.deepEqual([failed.stdout, failed.stderr], ['out\n', 'err\n']);
      assert.equal((await dev.engine.berth(['exec', '--folder', folder, 'cat'], { input: 'through' })).stdout, 'through');
      assert.equal((await dev.engine.berth(['exec', '--folder', folder, 'no-such-command'], { okStatus: 'any' })).status, 127);
    });

    it('works from the folder itself, and shell opens the user’s shell on a terminal', async () => {
      const folder = dev.folder('env');
      assert.equal((await dev.engine.berth(['exec', 'pwd'], { cwd: folder })).stdout, '/workspaces/env\n');
      const { screen, status } = await onTerminal([process.execPath, bundle, 'shell', folder], [
        { when: /\$ $/, say: 'echo "$(whoami) in $PWD by $0 $(tty)"\r' },
        { when: /sailor in .*pts/, say: 'exit 3\r' },
      ], { env: dev.engine.env });
      assert.match(screen, /sailor in \/workspaces\/env by -?(\/bin\/)?bash \/dev\/pts\/\d/);
      assert.equal(status, 3);
    });

    it('says how to bring a dev container up that is not', async () => {
      const folder = await dev.project('absent', { image: 'users' });
      const absent = await dev.engine.berth(['exec', '--folder', folder, 'true'], { okStatus: 'any' });
      assert.equal(absent.status, 1);
      assert.match(absent.stderr, /There is no dev container for .*absent\. Make it with: berth up .*\[DEVCONTAINER_NOT_UP\]/s);
      await dev.up(folder);
      await dev.engine.berth(['stop', folder]);
      assert.match((await dev.engine.berth(['exec', '--folder', folder, 'true'], { okStatus: 'any' })).stderr, /is exited\. Start it with: berth up/);
    });
  });

  describe('stop, down and list', () => {
    it('down leaves nothing of the dev container; the user’s folder is as it was', async () => {
      const folder = await dev.project('gone', { image: 'users', mounts: [{ type: 'volume', target: '/data' }] });
      const before = (await dev.markers()).length;
      const volumes = await dev.volumes();
      const { containerId = '' } = await dev.up(folder);
      assert.equal((await dev.markers()).length, before + 1);
      assert.match((await dev.engine.berth(['list'])).stdout, new RegExp(`${folder} +Up `));
      assert.equal((await dev.engine.berth(['down', folder])).stdout, `${folder}\n`);
      assert.equal((await dev.markers()).length, before);
      assert.equal((await dev.engine.docker(['ps', '-aq', '--no-trunc'])).stdout.includes(containerId), false);
      assert.deepEqual(await dev.volumes(), volumes);
      assert.deepEqual((await readdir(folder)).sort(), ['.devcontainer', 'order']);
      assert.equal((await dev.engine.berth(['down', folder])).stdout, '', 'a second down has nothing to do');
    });

    it('down works when the definition is broken or gone', async () => {
      const folder = await dev.project('broken', { image: 'users' });
      await dev.up(folder);
      await writeFile(configOf(folder), '{');
      await dev.engine.berth(['stop', folder]);
      await rm(configOf(folder));
      assert.equal((await dev.engine.berth(['down', folder])).stdout, `${folder}\n`);
    });

    it('a command for containers takes a folder for its dev container', async () => {
      const folder = await dev.project('plain', { image: 'users' });
      await dev.up(folder);
      assert.equal((await dev.engine.berth(['inspect', '--format', '{{.State.Status}}', folder])).stdout, 'running\n');
      await dev.engine.berth(['restart', '-t', '1', folder]);
      await dev.engine.berth(['logs', folder]);
    });
  });
});
