import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2 from 'ssh2';
import { start } from '../../../engine/host/process.ts';
import { bundle } from '../../support/engine.ts';
import { EndpointWorld } from '../../support/endpointWorld.ts';
import { onTerminal } from '../../support/terminal.ts';

const text = async (stream: Readable | null): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

describe('sessions of the SSH endpoint', () => {
  let world: EndpointWorld;
  before(async function () {
    this.timeout(300_000); // its base image may have to be made first
    world = await EndpointWorld.start('endses');
  });
  after(() => world.remove());

  /** Processes of the container whose command line holds a word. */
  const inside = async (word: string): Promise<number> => Number((await world.dev.inside(world.folder, `n=0; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null | grep -q "^${word}" && n=$((n+1)); done; echo $n`)).trim());
  const until = async (condition: () => Promise<boolean>, what: string): Promise<void> => {
    for (const end = Date.now() + 20_000; !(await condition()); await delay(50)) assert.ok(Date.now() < end, what);
  };

  it('run as the remote user, in the workspace, in its environment; output, errors and status are apart', async () => {
    const { stdout } = await world.ssh([world.alias, 'echo "$(whoami) $PWD $REMOTE $FROM_PROFILE $META $HOME $0"']);
    assert.equal(stdout, 'sailor /workspaces/app yes yes yes /home/sailor /bin/bash\n');
    const failed = await world.ssh([world.alias, 'echo out; echo err >&2; exit 7'], { okStatus: [7] });
    assert.deepEqual([failed.stdout, failed.stderr], ['out\n', 'err\n']);
    assert.equal((await world.ssh(['-o', 'SetEnv=LC_X=told', world.alias, 'echo $LC_X'])).stdout, 'told\n');
    assert.equal((await world.ssh([world.alias], { input: 'echo "by a shell: $FROM_PROFILE"; exit 4\n', okStatus: [4] })).stdout, 'by a shell: yes\n');
  });

  it('pass input on to its end, and much of everything without loss', async () => {
    const big = join(world.dev.root, 'big');
    await writeFile(big, Buffer.alloc(24 * 1024 * 1024, 'abcdefg\n'));
    const digest = createHash('sha256').update(await readFile(big)).digest('hex');
    const { stdout, stderr } = await world.ssh([world.alias, 'tee /dev/stderr | sha256sum; echo done >&2'], { input: await readFile(big) });
    assert.equal(stdout.split(' ')[0], digest);
    assert.equal(createHash('sha256').update(stderr.replace(/done\n$/, '')).digest('hex'), digest, 'both outputs at once, each larger than its window');
  });

  it('have a terminal of the client’s size and kind', async () => {
    const { screen, status } = await onTerminal(['sh', '-c', `stty rows 31 cols 97 && exec ssh -F ${world.config} -t ${world.alias} 'until stty size | grep -qx "31 97"; do sleep 0.02; done; stty size; echo $TERM; stty -a | tr " " "\\n" | grep iutf8; read line; echo "got $line"; exit 5'`], [{ when: /iutf8/, say: 'typed\r' }], { env: world.env });
    assert.match(screen, /31 97\r?\nxterm\r?\n/);
    assert.match(screen, /got typed/);
    assert.equal(status, 5);
  });

  it('go on side by side on one connection', async () => {
    const control = join(world.dev.root, 'control');
    const master = world.startSsh(['-N', '-M', '-S', control, world.alias]);
    try {
      await until(async () => (await readdir(world.dev.root)).includes('control'), 'the master did not start');
      const answers = await Promise.all(Array.from({ length: 12 }, (_none, index) => world.ssh(['-S', control, world.alias, `sleep 0.2; echo ${index}`]).then(({ stdout }) => Number(stdout))));
      assert.deepEqual(answers, [...answers.keys()]);
    } finally {
      master.kill();
    }
  });

  it('stay open for an editor: a script on the input of a shell, a long-lived process, SOCKS into the container’s loopback', async () => {
    await world.dev.engine.docker(['exec', '-d', (await world.dev.containersOf(world.folder))[0] ?? '', 'perl', '-MIO::Socket::INET', '-e', 'my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => 4711, ReuseAddr => 1); while (my $c = $s->accept) { my $line = <$c>; print $c "inside: $line"; close $c }']);
    const editor = world.startSsh(['-T', '-D', '127.0.0.1:28510', world.alias, 'bash']);
    editor.stdin?.write('for tool in bash tar uname mkdir; do command -v $tool >/dev/null || echo "no $tool"; done; mkdir -p ~/.editor/bin && uname -s && echo READY\n');
    let said = '';
    editor.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => Promise.resolve(said.includes('READY\n')), 'the script did not run');
    assert.equal(await bySocks(28510, '127.0.0.1', 4711, 'hello\n'), 'inside: hello\n');
    assert.equal(await bySocks(28510, 'localhost', 4711, 'named\n'), 'inside: named\n');
    editor.stdin?.end('echo BYE\n');
    await once(editor, 'close');
    assert.equal(said, 'Linux\nREADY\nBYE\n');
  });

  it('are sent signals, and say by which they ended', async () => {
    const proxy = start(process.execPath, [bundle, 'ssh-proxy', world.alias], { env: world.env, stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(proxy.stdin && proxy.stdout);
    const client = new ssh2.Client();
    client.connect({ sock: Duplex.from({ readable: proxy.stdout, writable: proxy.stdin }), username: 'sailor', privateKey: await readFile(join(world.config, '..', 'berth', 'keys', (await readdir(join(world.config, '..', 'berth', 'keys'))).find((name) => !name.endsWith('.pub')) ?? '')) });
    await once(client, 'ready');
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => client.exec('trap "echo usr1" USR1; echo on; while :; do sleep 0.05; done', (error, opened) => (error ? reject(error) : resolve(opened))));
    let out = '';
    channel.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await until(() => Promise.resolve(out.includes('on')), 'it did not start');
    channel.signal('USR1');
    await until(() => Promise.resolve(out.includes('usr1')), 'the signal did not arrive');
    const ended = once(channel, 'exit');
    channel.signal('TERM');
    assert.deepEqual((await ended).slice(0, 2), [null, 'SIGTERM']);
    client.end();
  });

  it('leave no process behind when the client is killed, with or without a terminal', async () => {
    for (const args of [[], ['-tt']]) {
      const client = world.startSsh([...args, world.alias, 'sleep 98765; echo never']);
      await until(async () => (await inside('sleep 98765')) === 1, 'it did not start');
      client.kill('SIGKILL');
      await until(async () => (await inside('sleep 98765')) === 0, `it went on ${args.join(' ')}`);
    }
    const client = world.startSsh([world.alias, 'nohup sleep 87654 >/dev/null 2>&1 & sleep 98765']);
    await until(async () => (await inside('sleep 98765')) === 1, 'it did not start');
    client.kill('SIGKILL');
    await until(async () => (await inside('sleep 98765')) === 0, 'it went on');
    assert.equal(await inside('sleep 87654'), 1, 'what asked to go on does');
    await world.dev.inside(world.folder, 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = sleep ] && grep -q 87654 $p/cmdline && kill ${p#/proc/}; done; true');
  });
});

/** Sends a line through a SOCKS 5 proxy and returns all that comes back. */
async function bySocks(proxy: number, host: string, port: number, line: string): Promise<string> {
  const socket = connect(proxy, '127.0.0.1');
  await once(socket, 'connect');
  const name = Buffer.from(host);
  socket.write(Buffer.from([5, 1, 0]));
  assert.deepEqual([...((await once(socket, 'data')) as [Buffer])[0]], [5, 0]);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 0xff])]));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.equal(answer[1], 0, 'the proxy refused');
  socket.write(line);
  return text(socket);
}
