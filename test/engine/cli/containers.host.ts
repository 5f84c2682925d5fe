import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { bundle, TestEngine } from '../../support/engine.ts';
import { onTerminal } from '../../support/terminal.ts';

/** The commands in Docker's shape, through the built CLI. */
describe('berth, for containers and images', () => {
  let engine: TestEngine;
  const image = 'debian:bookworm';

  before(async () => {
    engine = await TestEngine.start({ instance: 'cli' });
    await engine.docker(['import', await baseTar(), image]);
  });
  after(() => engine.remove());
  afterEach('no container is left', async () => {
    const left = (await engine.berth(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
    if (left.length > 0) await engine.berth(['rm', '-f', ...left]);
  });

  const begin = (args: readonly string[]): ReturnType<typeof start> => start(process.execPath, [bundle, ...args], { env: engine.env, cwd: engine.root, stdio: ['pipe', 'pipe', 'pipe'] });
  const collectText = (child: ReturnType<typeof start>): (() => string) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return () => text;
  };
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await condition()) return;
      await delay(50);
    }
    throw new Error('it did not happen in time');
  };

  describe('run', () => {
    it('keeps stdout and stderr apart and ends with the process’s status', async () => {
      const result = await engine.berth(['run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 7'], { okStatus: [7] });
      assert.deepEqual([result.stdout, result.stderr], ['out\n', 'err\n']);
      assert.equal((await engine.berth(['ps', '-aq'])).stdout, '');
    });

    it('-i passes stdin on until its end, and not without it', async () => {
      assert.equal((await engine.berth(['run', '--rm', '-i', image, 'tr', 'a-z', 'A-Z'], { input: 'words\n' })).stdout, 'WORDS\n');
      assert.equal((await engine.berth(['run', '--rm', image, 'cat'], { input: 'words\n' })).stdout, '');
    });

    it('carries a megabyte through in both directions', async () => {
      const input = 'x'.repeat(1_000_000);
      assert.equal((await engine.berth(['run', '--rm', '-i', image, 'cat'], { input })).stdout.length, input.length);
    });

    it('-it gives a terminal of our size, and detaches with ctrl-p ctrl-q', async () => {
      const berth = (...args: string[]): string[] => ['sh', '-c', 'stty rows 33 cols 99; exec "$@"', 'sh', process.execPath, bundle, ...args];
      const first = await onTerminal(berth('run', '--rm', '-it', image, 'sh'), [
        { when: /[#$] $/, say: 'sleep 0.3; tty; stty size\r' },
        { when: /33 99\r*\n/, say: 'exit 5\r' },
      ], { env: engine.env });
      assert.match(first.screen, /\/dev\/pts\/\d/);
      assert.equal(first.status, 5);
      const patient = 'while :; do echo tick; read -t 0.3 x && exit 6; done';
      const second = await onTerminal(berth('run', '--name', 'left', '-it', image, 'bash', '-c', patient), [{ when: /tick/, say: '\x10\x11' }], { env: engine.env });
      assert.equal(second.status, 0);
      assert.equal((await engine.berth(['inspect', '-f', '{{.State.Running}}', 'left'])).stdout, 'true\n');
      const again = await onTerminal(berth('attach', 'left'), [{ when: /tick/, say: '\r' }], { env: engine.env });
      assert.equal(again.status, 6);
    });

    it('-it passes output on as it is, bare line feeds too, and leaves our terminal as it was', async () => {
      const command = ['sh', '-c', '"$@"; stty -a', 'sh', process.execPath, bundle, 'run', '--rm', '-it', image, 'sh', '-c', "sleep 0.3; stty -opost; printf 'down\\nright'"];
      const { screen } = await onTerminal(command, [], { env: engine.env });
      assert.match(screen, /down\nright/);
      assert.match(screen, /[^-]opost/);
    });

    it('says 127 for a command that is not there, 126 for one that cannot be run, 125 for what the engine or we refuse', async () => {
      const status = async (...args: string[]): Promise<number> => (await engine.berth(['run', '--rm', ...args], { okStatus: 'any' })).status;
      assert.equal(await status(image, 'no-such-command'), 127);
      assert.equal(await status(image, '/etc/passwd'), 126);
      assert.equal(await status('--frobnicate', image), 125);
      assert.equal(await status('--pull', 'never', 'localhost:1/nothing:none'), 125);
      assert.equal(await status(), 125);
      assert.equal((await engine.berth(['ps', '-aq'])).stdout, '');
    });

    it('passes signals on to the process', async () => {
      const child = begin(['run', '--rm', image, 'sh', '-c', 'trap "exit 9" INT; echo ready; while :; do sleep 0.1; done']);
      const text = collectText(child);
      const closed = once(child, 'close');
      await until(() => text().includes('ready'));
      child.kill('SIGINT');
      assert.deepEqual((await closed)[0], 9);
    });

    it('--help lists the flags; what belongs to the command is left to it', async () => {
      const help = (await engine.berth(['run', '--help'])).stdout;
      assert.match(help, /Usage: berth run[\s\S]*-p, --publish [\s\S]*--cap-add/);
      assert.equal((await engine.berth(['run', '--rm', image, 'echo', '--help', '-h'])).stdout, '--help -h\n');
    });
  });

  it('run -d, ps, logs, exec, stop, start, wait, kill and rm follow one container through its life', async () => {
    const id = (await engine.berth(['run', '-d', '--name', 'life', '--label', 'a=b', '-p', '127.0.0.1::80', image, 'sh', '-c', 'trap "echo bye; exit 3" TERM; echo begin; while :; do sleep 0.1; done'])).stdout.trim();
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal((await engine.berth(['ps', '-q', '--no-trunc', '--filter', 'label=a=b'])).stdout.trim(), id);
    assert.match((await engine.berth(['ps'])).stdout, /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n[0-9a-f]{12} +debian:bookworm .* Up .* 127\.0\.0\.1:\d+->80\/tcp +life\n$/);
    assert.equal((await engine.berth(['ps', '--format', '{{.Names}} {{.State}}'])).stdout, 'life running\n');
    const exec = await engine.berth(['container', 'exec', '-e', 'X=1', '-w', '/tmp', '-u', 'nobody', 'life', 'sh', '-c', 'echo $X $PWD $(id -un); exit 4'], { okStatus: [4] });
    assert.equal(exec.stdout, '1 /tmp nobody\n');
    const follow = begin(['logs', '-f', 'life']);
    const text = collectText(follow);
    const closed = once(follow, 'close');
    assert.equal((await engine.berth(['stop', 'life'])).stdout, 'life\n');
    await closed;
    assert.equal(text(), 'begin\nbye\n');
    assert.match((await engine.berth(['logs', '-t', '--tail', '1', 'life'])).stdout, /^\d{4}-\d\d-\d\dT\S+Z bye\n$/);
    assert.equal((await engine.berth(['wait', 'life'])).stdout, '3\n');
    await engine.berth(['start', 'life']);
    await engine.berth(['restart', '-t', '1', 'life']);
    await engine.berth(['kill', 'life']);
    assert.equal((await engine.berth(['wait', 'life'])).stdout, '137\n');
    assert.equal((await engine.berth(['rm', 'life'])).stdout, 'life\n');
    const gone = await engine.berth(['rm', 'life', 'nothing'], { okStatus: 'any' });
    assert.equal(gone.status, 1);
    assert.match(gone.stderr, /life: No such container: life[\s\S]*nothing: No such container: nothing[\s\S]*\[NO_SUCH_CONTAINER\]/);
  });

  it('create makes a container that start starts', async () => {
    const id = (await engine.berth(['create', '--name', 'made', image, 'echo', 'hello'])).stdout.trim();
    await engine.berth(['start', 'made']);
    await engine.berth(['wait', 'made']);
    assert.equal((await engine.berth(['logs', id.slice(0, 12)])).stdout, 'hello\n');
  });

  it('build prints its steps and the id; a broken Dockerfile is named with line and column', async () => {
    const folder = join(engine.root, 'app');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), `FROM ${image} AS base\nARG WHO=world\nRUN echo "hello $WHO" > /greeting\nFROM base AS last\nCMD ["cat", "/greeting"]\n`);
    const built = await engine.berth(['build', '-t', 'app', '--build-arg', 'WHO=sailor', '--iidfile', join(engine.root, 'iid'), folder]);
    assert.match(built.stdout, /^sha256:[0-9a-f]{64}\n$/);
    assert.match(built.stderr, /#\d+ \[base \d\/\d\] RUN echo[\s\S]*DONE/);
    assert.equal((await engine.berth(['run', '--rm', 'app'])).stdout, 'hello sailor\n');
    assert.match((await engine.berth(['build', '-t', 'app', '--build-arg', 'WHO=sailor', '.'], { cwd: folder })).stderr, /CACHED/);
    assert.equal((await engine.berth(['build', '-q', '--target', 'base', folder])).stderr, '');
    await writeFile(join(folder, 'Dockerfile'), `FROM ${image}\nRUN exit 42\n`);
    const failed = await engine.berth(['build', folder], { okStatus: 'any' });
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /42.*\[BUILD_STEP_FAILED\]/s);
    await engine.berth(['rmi', 'app']);
  });

  it('images, tag, save, load, rmi and inspect handle images', async () => {
    await engine.berth(['tag', image, 'localhost/copy:1']);
    assert.match((await engine.berth(['images'])).stdout, /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n[\s\S]*localhost\/copy +1 +[0-9a-f]{12} /);
    const tar = join(engine.root, 'copy.tar');
    await engine.berth(['save', '-o', tar, 'localhost/copy:1']);
    assert.ok((await stat(tar)).size > 1_000_000);
    assert.match((await engine.berth(['rmi', 'localhost/copy:1'])).stdout, /Untagged: localhost\/copy:1/);
    assert.match((await engine.berth(['load', '-i', tar])).stdout, /Loaded image: localhost\/copy:1/);
    assert.equal((await engine.berth(['images', '--format', '{{.Repository}}:{{.Tag}}', 'localhost/copy'])).stdout, 'localhost/copy:1\n');
    assert.match((await engine.berth(['inspect', '--type', 'image', '-f', '{{.Os}}', 'localhost/copy:1'])).stdout, /linux/);
    await engine.berth(['image', 'rm', 'localhost/copy:1']);
    const missing = await engine.berth(['inspect', 'nothing-of-that-name'], { okStatus: 'any' });
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /No such container or image: nothing-of-that-name \[NOT_FOUND\]/);
    assert.match((await engine.berth(['load', '-i', join(engine.root, 'none.tar')], { okStatus: 'any' })).stderr, /ENOENT.*none\.tar/);
  });

  it('events tells what happens as it happens, and version and info what answers', async () => {
    const child = begin(['events', '--filter', 'type=container', '--format', '{{.Action}}']);
    const text = collectText(child);
    const closed = once(child, 'close');
    await delay(600);
    await engine.berth(['run', '--rm', image, 'true']);
    await until(() => text().includes('destroy'));
    child.kill('SIGINT');
    await closed;
    const wanted = ['create', 'start', 'die', 'destroy'];
    assert.deepEqual(text().split('\n').filter((action) => wanted.includes(action)), wanted);
    assert.match((await engine.berth(['version'])).stdout, /Engine\n +Version +\d/);
    assert.match((await engine.berth(['info'])).stdout, /ServerVersion +\d/);
  });

  it('a mistake on the command line is status 2 and points to the help', async () => {
    const wrong = await engine.berth(['frobnicate'], { okStatus: 'any' });
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /unknown command 'frobnicate'[\s\S]*berth --help/);
    assert.equal((await engine.berth(['stop', '--wat'], { okStatus: 'any' })).status, 2);
  });

  it('diff, commit, export, rename, pause and unpause do what their docker namesakes do', async () => {
    await engine.berth(['run', '-d', '--name', 'changed', image, 'sh', '-c', 'echo hi > /root/made; rm /etc/debian_version; sleep 1000']);
    await until(async () => (await engine.berth(['diff', 'changed'])).stdout.includes('D /etc/debian_version'));
    const ours = (await engine.berth(['diff', 'changed'])).stdout.split('\n').sort();
    assert.deepEqual(ours, (await engine.docker(['diff', 'changed'])).stdout.split('\n').sort());
    assert.ok(ours.includes('A /root/made'), ours.join());
    await engine.berth(['commit', '-m', 'kept', '-c', 'CMD ["cat","/root/made"]', 'changed', 'made:1']);
    assert.equal((await engine.berth(['run', '--rm', 'made:1'])).stdout, 'hi\n');
    const docker = (await engine.docker(['commit', '--change', 'ENV A=b', 'changed', 'made:2'])).stdout.trim();
    assert.match(docker, /^sha256:[0-9a-f]{64}$/);
    assert.equal((await engine.docker(['run', '--rm', 'made:2', 'sh', '-c', 'echo $A; cat /root/made'])).stdout, 'b\nhi\n');
    const tar = join(engine.root, 'changed.tar');
    await engine.berth(['export', '-o', tar, 'changed']);
    await engine.docker(['import', tar, 'made:3']);
    assert.equal((await engine.berth(['run', '--rm', 'made:3', 'cat', '/root/made'])).stdout, 'hi\n');
    await engine.berth(['pause', 'changed']);
    assert.match((await engine.berth(['ps'])).stdout, /\(Paused\)/);
    await engine.berth(['unpause', 'changed']);
    await engine.berth(['rename', 'changed', 'renamed']);
    await engine.berth(['rm', '-f', 'renamed']);
    await engine.berth(['rmi', 'made:1', 'made:2', 'made:3']);
  });
});
