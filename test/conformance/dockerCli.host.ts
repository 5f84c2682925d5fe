import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { baseTar } from '../support/base.ts';
import { TestEngine, bundle } from '../support/engine.ts';
import { OrdinaryUser } from '../support/ordinaryUser.ts';
import { onTerminal } from '../support/terminal.ts';

/** The unmodified docker CLI against our socket: root's engine, and an ordinary user's. */
for (const whose of ['root', 'an ordinary user'] as const) {
  describe(`docker CLI, with the engine of ${whose}`, () => suite(whose === 'root'));
}

function suite(asRoot: boolean): void {
  let engine: TestEngine;
  let user: OrdinaryUser | undefined;

  before(async () => {
    user = asRoot ? undefined : await OrdinaryUser.create('rtlcli', { bundle, subIds: true });
    engine = await TestEngine.start({ instance: 'dclic', ...(user ? { user } : {}) });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
  });
  after(async () => {
    await engine.remove();
    await user?.remove();
  });

  it('docker version and docker info name the engine', async () => {
    assert.match((await engine.docker(['version'])).stdout, /Server: Berth[\s\S]*API version:\s+1\.47/);
    assert.match((await engine.docker(['info'])).stdout, /Storage Driver: overlay/);
  });

  it('docker run --rm prints what the program prints and removes the container', async () => {
    const { stdout } = await engine.docker(['run', '--rm', 'debian:bookworm', 'cat', '/etc/os-release']);
    assert.match(stdout, /PRETTY_NAME="Debian GNU\/Linux 12 \(bookworm\)"/);
    assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
  });

  it('docker run keeps stdout and stderr apart and ends with the exit status of the program', async () => {
    const result = await engine.docker(['run', '--rm', 'debian:bookworm', 'sh', '-c', 'echo out; echo err >&2; exit 7'], { okStatus: [7] });
    assert.deepEqual([result.stdout, result.stderr], ['out\n', 'err\n']);
  });

  it('docker run -i feeds stdin until its end', async () => {
    const { stdout } = await engine.docker(['run', '--rm', '-i', 'debian:bookworm', 'sh', '-c', 'tr a-z A-Z; echo done'], { input: 'hello\n' });
    assert.equal(stdout, 'HELLO\ndone\n');
  });

  it('docker run -it gives a terminal of the right size, and its shell’s exit status', async () => {
    const { screen, status } = await onTerminal(['docker', 'run', '--rm', '-it', '--hostname', 'harbour', 'debian:bookworm', 'sh'], [
      { when: /[#$] $/, say: 'tty; echo at-$(hostname)\r' },
      { when: /at-harbour/, say: 'exit 5\r' },
    ], { env: engine.env });
    assert.match(screen, /\/dev\/pts\/\d/);
    assert.match(screen, /at-harbour/);
    assert.equal(status, 5);
  });

  it('says in Docker’s way that a command is not there, and leaves nothing', async () => {
    const result = await engine.docker(['run', '--rm', 'debian:bookworm', 'no-such-command'], { okStatus: 'any' });
    assert.equal(result.status, 127);
    assert.match(result.stderr, /no-such-command/);
    assert.equal((await engine.docker(['ps', '-aq'])).stdout, '');
  });

  it('says in Docker’s way that an image is not there', async () => {
    const result = await engine.docker(['run', '--rm', '--pull', 'never', 'localhost:9/nothing:1', 'true'], { okStatus: 'any' });
    assert.equal(result.status, 125);
    assert.match(result.stderr, /No such image: localhost:9\/nothing:1/);
  });

  it('docker ps, inspect, top, logs -f, stop, start, wait, rm follow one container through its life', async () => {
    const id = (await engine.docker(['run', '-d', '--name', 'life', '--label', 'a=b', '-e', 'X=1', 'debian:bookworm', 'sh', '-c', 'trap "echo bye; exit 3" TERM; echo begin; while :; do sleep 0.1; done'])).stdout.trim();
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.match((await engine.docker(['ps', '--filter', 'label=a=b', '--format', '{{.Names}} {{.Image}} {{.State}}'])).stdout, /^life debian:bookworm running$/m);
    const [inspected] = JSON.parse((await engine.docker(['inspect', 'life'])).stdout) as Array<{ Id: string; State: { Running: boolean; Pid: number }; Config: { Env: string[] } }>;
    assert.ok(inspected?.State.Running && inspected.State.Pid > 0 && inspected.Config.Env.includes('X=1'));
    assert.match((await engine.docker(['top', 'life'])).stdout, /sleep 0\.1|trap/);
    const follow = engine.startDocker(['logs', '-f', 'life']);
    let followed = '';
    follow.stdout?.on('data', (chunk: Buffer) => (followed += chunk.toString()));
    const ended = once(follow, 'close'); // it may be over before the stop is
    await engine.docker(['stop', 'life']);
    await ended;
    assert.equal(followed, 'begin\nbye\n');
    assert.equal((await engine.docker(['wait', 'life'])).stdout.trim(), '3');
    await engine.docker(['start', 'life']);
    await engine.docker(['kill', 'life']);
    assert.equal((await engine.docker(['wait', 'life'])).stdout.trim(), '137');
    assert.equal((await engine.docker(['logs', '--tail', '1', 'life'])).stdout, 'begin\n');
    await engine.docker(['rm', 'life']);
    assert.match((await engine.docker(['inspect', 'life'], { okStatus: [1] })).stderr, /No such object: life/i);
  });

  it('docker exec runs beside the main process: output, status, user, environment, stdin, terminal', async () => {
    await engine.docker(['run', '-d', '--name', 'host1', 'debian:bookworm', 'sleep', '600']);
    const plain = await engine.docker(['exec', '-u', 'nobody', '-w', '/tmp', '-e', 'Q=42', 'host1', 'sh', '-c', 'id -un; pwd; echo $Q; echo no >&2; exit 9'], { okStatus: [9] });
    assert.deepEqual([plain.stdout, plain.stderr], ['nobody\n/tmp\n42\n', 'no\n']);
    assert.equal((await engine.docker(['exec', '-i', 'host1', 'cat'], { input: 'through' })).stdout, 'through');
    const terminal = await onTerminal(['docker', 'exec', '-it', 'host1', 'sh'], [
      { when: /[#$] $/, say: 'stty size; tty\r' },
      { when: /pts\/\d/, say: 'exit 4\r' },
    ], { env: engine.env });
    assert.equal(terminal.status, 4);
    await engine.docker(['rm', '-f', 'host1']);
  });

  it('docker attach joins a running container in both directions', async () => {
    await engine.docker(['run', '-d', '-i', '--name', 'talk', 'debian:bookworm', 'sh', '-c', 'read line; echo got $line']);
    const attached = engine.startDocker(['attach', 'talk']);
    let text = '';
    attached.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await delay(300);
    const left = once(attached, 'close');
    attached.stdin?.write('words\n');
    await left;
    assert.equal(text, 'got words\n');
    await engine.docker(['rm', '-f', 'talk']);
  });

  it('docker run -p publishes a port on the host, and refuses one that is taken, by Docker’s words', async () => {
    const server = ['perl', '-MIO::Socket::INET', '-e', '$s=IO::Socket::INET->new(LocalPort=>80,Listen=>5,ReuseAddr=>1) or die; while($c=$s->accept){<$c>;print $c "HTTP/1.0 200 OK\\r\\n\\r\\nahoy";close $c}'];
    await engine.docker(['run', '-d', '--name', 'web', '-p', '127.0.0.1::80', 'debian:bookworm', ...server]);
    const address = (await engine.docker(['port', 'web', '80'])).stdout.trim();
    assert.match(address, /^127\.0\.0\.1:\d+$/);
    assert.equal(await eventually(() => fetch(`http://${address}/`).then((answer) => answer.text())), 'ahoy');
    const taken = await engine.docker(['run', '-d', '--name', 'web2', '-p', `${address}:80`, 'debian:bookworm', 'sleep', '1'], { okStatus: 'any' });
    assert.equal(taken.status, 125);
    assert.match(taken.stderr, /port is already allocated/);
    await engine.docker(['rm', '-f', 'web', 'web2']);
    await assert.rejects(fetch(`http://${address}/`, { signal: AbortSignal.timeout(2000) }));
  });

  it('docker run -v and --mount share folders, read-only where asked', async () => {
    const folder = join(engine.root, 'shared');
    await mkdir(folder);
    if (user) await chown(folder, user.uid, user.uid);
    await writeFile(join(folder, 'in'), 'from outside');
    await engine.docker(['run', '--rm', '-v', `${folder}:/s`, 'debian:bookworm', 'sh', '-c', 'cp /s/in /s/out']);
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'from outside');
    assert.equal((await stat(join(folder, 'out'))).uid, user?.uid ?? 0);
    const refused = await engine.docker(['run', '--rm', '--mount', `type=bind,source=${folder},target=/s,readonly`, 'debian:bookworm', 'touch', '/s/no'], { okStatus: 'any' });
    assert.match(refused.stderr, /Read-only file system/);
    const missing = await engine.docker(['run', '--rm', '--mount', `type=bind,source=${folder}/none,target=/s`, 'debian:bookworm', 'true'], { okStatus: 'any' });
    assert.equal(missing.status, 125);
    assert.match(missing.stderr, /bind source path does not exist/);
  });

  // An ordinary user's limits hold only where control groups are delegated.
  if (asRoot) it('docker run --memory, --cpus, --pids-limit set limits that hold', async () => {
    const { status } = await engine.docker(['run', '--name', 'big', '--memory', '32m', 'debian:bookworm', 'perl', '-e', '$x = "a" x (256*1024*1024); print length $x'], { okStatus: 'any' });
    assert.equal(status, 137);
    assert.equal((await engine.docker(['inspect', '--format', '{{.State.OOMKilled}}', 'big'])).stdout.trim(), 'true');
    await engine.docker(['rm', 'big']);
    const forks = await engine.docker(['run', '--rm', '--pids-limit', '5', 'debian:bookworm', 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'], { okStatus: 'any' });
    assert.match(forks.stderr, /[Ff]ork/);
    const cpu = await engine.docker(['run', '-d', '--name', 'half', '--cpus', '0.5', 'debian:bookworm', 'sleep', '30']);
    assert.match(cpu.stdout, /^[0-9a-f]{64}/);
    assert.equal((await engine.docker(['inspect', '--format', '{{.HostConfig.NanoCpus}}', 'half'])).stdout.trim(), '500000000');
    await engine.docker(['rm', '-f', 'half']);
  });

  it('docker build (classic) builds a multi-stage Dockerfile, reuses its cache, and says where a broken one is broken', async () => {
    const folder = join(engine.root, 'app');
    await mkdir(folder);
    await writeFile(join(folder, 'hello.sh'), '#!/bin/sh\necho "hello $WHO"\n', { mode: 0o755 });
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm AS make\nRUN echo made > /made\nFROM debian:bookworm\nARG WHO=world\nENV WHO=$WHO\nCOPY --from=make /made /srv/\nCOPY hello.sh /usr/local/bin/\nWORKDIR /srv\nCMD ["hello.sh"]\n');
    const first = await engine.docker(['build', '-t', 'app', '--build-arg', 'WHO=sailor', folder]);
    assert.match(first.stdout, /Successfully built [0-9a-f]{12}[\s\S]*Successfully tagged app:latest/);
    assert.equal((await engine.docker(['run', '--rm', 'app'])).stdout, 'hello sailor\n');
    assert.equal((await engine.docker(['run', '--rm', 'app', 'cat', 'made'])).stdout, 'made\n');
    assert.match((await engine.docker(['build', '-t', 'app', '--build-arg', 'WHO=sailor', folder])).stdout, /Using cache/);
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\nRUN true\nRUNN false\n');
    const broken = await engine.docker(['build', folder], { okStatus: 'any' });
    assert.notEqual(broken.status, 0);
    assert.match(broken.stderr, /Dockerfile:3:1: .*RUNN/);
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\nRUN exit 42\n');
    assert.match((await engine.docker(['build', folder], { okStatus: 'any' })).stderr, /returned a non-zero code: 42/);
  });

  it('docker images, tag, history, save, load and rmi handle images', async () => {
    assert.match((await engine.docker(['images', '--format', '{{.Repository}}:{{.Tag}}'])).stdout, /^debian:bookworm$/m);
    await engine.docker(['tag', 'debian:bookworm', 'copy:1']);
    const tar = join(engine.root, 'copy.tar');
    await engine.docker(['save', '-o', tar, 'copy:1']);
    assert.match((await engine.docker(['rmi', 'copy:1'])).stdout, /Untagged: copy:1/);
    assert.match((await engine.docker(['load', '-i', tar])).stdout, /Loaded image: copy:1/);
    assert.match((await engine.docker(['history', 'copy:1'])).stdout, /IMAGE/);
    await engine.docker(['rmi', 'copy:1']);
  });

  it('docker events tells what happened, in order', async () => {
    const listener = engine.startDocker(['events', '--filter', 'type=container', '--format', '{{.Action}}']);
    let text = '';
    listener.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await delay(500);
    await engine.docker(['run', '--rm', 'debian:bookworm', 'true']);
    await eventually(() => Promise.resolve(assert.match(text, /destroy/)));
    listener.kill('SIGTERM');
    await once(listener, 'close');
    const wanted = ['create', 'start', 'die', 'destroy'];
    assert.deepEqual(text.split('\n').filter((action) => wanted.includes(action)), wanted);
  });

  it('a name that is taken is refused with the name of its holder', async () => {
    await engine.docker(['create', '--name', 'one', 'debian:bookworm', 'true']);
    const again = await engine.docker(['create', '--name', 'one', 'debian:bookworm', 'true'], { okStatus: 'any' });
    assert.match(again.stderr, /The container name "\/one" is already in use by container/);
    await engine.docker(['rm', 'one']);
  });
}

async function eventually<T>(attempt: () => Promise<T>, seconds = 10): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(100);
    }
  }
}
