import assert from 'node:assert/strict';
import { lstat, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StepRun } from '../../../engine/containers/stepRunner.ts';
import { mountsUnder } from '../../support/leftovers.ts';
import { ContainerWorld } from '../../support/containerWorld.ts';
import { defaultCapabilities } from '../../support/needs.ts';

describe('a build step', () => {
  let world: ContainerWorld;
  let count = 0;
  before(async () => (world = await ContainerWorld.create('step')));
  after(() => world.remove());

  interface Done {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
    readonly upper: string;
  }

  async function step(script: string, change: Partial<StepRun> = {}, signal = new AbortController().signal): Promise<Done> {
    const folder = join(world.root, 'data', `step${(count += 1)}`);
    const upper = join(folder, 'upper');
    await mkdir(upper, { recursive: true });
    await mkdir(join(folder, 'work'));
    const output = { stdout: '', stderr: '' };
    const lowerDirs = world.images.resolve('debian').layers.map(({ snapshotId }) => world.snapshots.lowerDir(snapshotId)).reverse();
    const { exitCode } = await world.steps.run(
      { lowerDirs, upperDir: upper, workDir: join(folder, 'work'), args: ['/bin/sh', '-c', script], env: ['X=1'], cwd: '/', user: '', mounts: [], network: 'none', privileged: false, onOutput: (chunk, stream) => (output[stream] += chunk.toString()), ...change },
      { signal },
    );
    return { exitCode, ...output, upper };
  }

  const clean = async (): Promise<void> => {
    assert.deepEqual(await mountsUnder(join(world.root, 'run')), []);
    assert.deepEqual(await readdir(join(world.root, 'run/steps')), []);
  };

  it('leaves exactly its changes in the upper directory', async () => {
    const { exitCode, upper } = await step('echo $X $HOME > /made; rm /etc/debian_version; chmod 700 /srv');
    assert.equal(exitCode, 0);
    assert.deepEqual((await readdir(upper)).sort(), ['etc', 'made', 'srv']);
    assert.deepEqual(await readdir(join(upper, 'etc')), ['debian_version']);
    assert.ok((await lstat(join(upper, 'etc/debian_version'))).isCharacterDevice());
    assert.equal(await readFile(join(upper, 'made'), 'utf8'), '1 /root\n');
    await clean();
  });

  it('leaves nothing when it changes nothing, with mounts and name resolution in place', async () => {
    const source = join(world.root, 'context');
    await mkdir(source, { recursive: true });
    await writeFile(join(source, 'file'), 'from outside');
    const mounts: StepRun['mounts'] = [
      { kind: 'bind', source, target: '/mnt/new/place', readOnly: true },
      { kind: 'bind', source: join(source, 'file'), target: '/root/secret', readOnly: true },
    ];
    const { stdout, upper } = await step('cat /mnt/new/place/file /root/secret; grep -c nameserver /etc/resolv.conf; touch /mnt/new/place/x 2>/dev/null || echo read-only', { mounts, network: 'default' });
    assert.match(stdout, /^from outsidefrom outside[1-9]\nread-only\n$/);
    assert.deepEqual(await readdir(upper), []);
    await clean();
  });

  it('streams output apart, gives the status, runs as a user in a folder that it makes', async () => {
    const { exitCode, stdout, stderr } = await step('id -un; pwd; echo oops > /dev/stderr; exit 3', { user: 'games', cwd: '/srv/deep/er' });
    assert.deepEqual([exitCode, stdout, stderr], [3, 'games\n/srv/deep/er\n', 'oops\n']);
  });

  it('says what is missing when the command is', async () => {
    const { exitCode, stderr } = await step('', { args: ['/nonsense'] });
    assert.equal(exitCode, 127);
    assert.match(stderr, /exec: "\/nonsense": stat \/nonsense: no such file or directory/);
    await clean();
  });

  it('has the security profile of a container', async () => {
    const { stdout } = await step('grep -E "CapBnd|Seccomp:" /proc/self/status; unshare -m true || echo refused');
    assert.equal(stdout, `CapBnd:\t${defaultCapabilities()}\nSeccomp:\t2\nrefused\n`);
  });

  it('ends with what it left running', async () => {
    const begun = performance.now();
    const { exitCode } = await step('sleep 1000 & echo started');
    assert.equal(exitCode, 0);
    assert.ok(performance.now() - begun < 5000);
    await clean();
  });

  it('is gone without a trace soon after it is cancelled', async () => {
    const cancel = new AbortController();
    const running = step('while :; do date > /now; done', { network: 'default' }, cancel.signal);
    await delay(300);
    cancel.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    await clean();
    const refused = new AbortController();
    refused.abort();
    await assert.rejects(step('true', {}, refused.signal), { code: 'CANCELLED' });
  });
});
