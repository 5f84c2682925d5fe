import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { NetConnectOpts, Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../../engine/host/process.ts';
import { EndpointWorld } from '../../support/endpointWorld.ts';

/** Answers each line of a connection, from inside the container. */
const echo = (listen: string): string[] => ['perl', '-MIO::Socket', '-e', `umask 0077; my $s = ${listen}; while (my $c = $s->accept) { my $line = <$c>; print $c "inside: $line"; close $c }`];

describe('what is forwarded through the SSH endpoint', () => {
  let world: EndpointWorld;
  let server: Server;
  before(async function () {
    this.timeout(300_000); // its base image may have to be made first
    world = await EndpointWorld.start('endfwd');
    server = createServer({ allowHalfOpen: true }, (socket) => {
      let asked = '';
      socket.on('data', (chunk) => (asked += chunk.toString()));
      socket.on('end', () => socket.end(`outside: ${asked}`));
      socket.on('error', () => undefined);
    });
    server.listen(28521, '127.0.0.1');
  });
  after(async () => {
    server.close();
    await world.remove();
  });

  const within = async <T>(args: readonly string[], work: () => Promise<T>): Promise<T> => {
    const client = world.startSsh([...args, '-o', 'ExitOnForwardFailure=yes', world.alias, 'echo up; cat']);
    try {
      await once(client.stdout ?? client, 'data');
      return await work();
    } finally {
      client.stdin?.end();
      client.kill();
    }
  };
  const detached = async (command: readonly string[]): Promise<void> => {
    await world.dev.engine.docker(['exec', '-d', '-u', 'sailor', (await world.dev.containersOf(world.folder))[0] ?? '', ...command]);
  };
  const ask = async (to: NetConnectOpts, line: string): Promise<string> => {
    const socket = connect(to);
    socket.on('error', () => undefined);
    socket.end(line);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    await new Promise((resolve) => socket.once('close', resolve)); // an error ends it, too
    return answer;
  };
  const untilInside = async (script: string): Promise<void> => {
    for (const end = Date.now() + 15_000; (await world.dev.inside(world.folder, `${script} && echo yes || true`)) !== 'yes\n'; await delay(50)) assert.ok(Date.now() < end, script);
  };

  it('-L leads to what listens on the container’s own loopback, and -W too', async () => {
    await detached(echo('IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => 4711, ReuseAddr => 1)'));
    await untilInside('grep -q ":1267 .* 0A " /proc/net/tcp');
    await within(['-L', '28522:localhost:4711'], async () => assert.equal(await ask({ port: 28522 }, 'one\n'), 'inside: one\n'));
    assert.equal((await world.ssh(['-W', '127.0.0.1:4711', world.alias], { input: 'two\n' })).stdout, 'inside: two\n');
    assert.match((await world.ssh(['-W', '127.0.0.1:4712', world.alias], { okStatus: 'any' })).stderr, /open failed/);
  });

  it('-R gives the container a way to the client, each direction ending on its own', async () => {
    await within(['-R', '28523:127.0.0.1:28521'], async () => {
      const { stdout } = await world.ssh([world.alias, `perl -MIO::Socket::INET -e 'my $c = IO::Socket::INET->new("127.0.0.1:28523"); print $c "three"; shutdown($c, 1); print <$c>'`]);
      assert.equal(stdout, 'outside: three');
    });
    const { stderr } = await world.ssh(['-R', '0:127.0.0.1:28521', world.alias, 'true']);
    assert.match(stderr, /Allocated port \d+ for remote forward/);
  });

  it('unix sockets, both ways, with the remote user’s rights', async () => {
    await detached(echo('IO::Socket::UNIX->new(Listen => 5, Local => "/home/sailor/own.sock")'));
    await untilInside('test -S ~/own.sock');
    const local = join(world.dev.root, 'local.sock');
    await within(['-L', `${local}:/home/sailor/own.sock`], async () => assert.equal(await ask({ path: local }, 'four\n'), 'inside: four\n'));
    const other = world.startSsh(['-l', 'user', '-L', `${local}2:/home/sailor/own.sock`, world.alias, 'echo up; cat']);
    await once(other.stdout ?? other, 'data');
    assert.equal(await ask({ path: `${local}2` }, 'five\n'), '', 'a socket of sailor’s is not for others');
    other.stdin?.end(); // a signal is overlooked by ssh when it comes just before it waits for input
    await within(['-R', '/home/sailor/back.sock:127.0.0.1:28521'], async () => {
      assert.equal(await world.dev.inside(world.folder, 'stat -c "%U %a" ~/back.sock'), 'sailor 600\n');
      const { stdout } = await world.ssh([world.alias, `perl -MIO::Socket::UNIX -e 'my $c = IO::Socket::UNIX->new("/home/sailor/back.sock"); print $c "six"; shutdown($c, 1); print <$c>'`]);
      assert.equal(stdout, 'outside: six');
    });
    await untilInside('test ! -e ~/back.sock');
    await within(['-R', '/home/sailor/.gnupg/S.gpg-agent:127.0.0.1:28521'], async () => assert.equal(await world.dev.inside(world.folder, 'stat -c "%U %a" ~/.gnupg ~/.gnupg/S.gpg-agent'), 'sailor 700\nsailor 600\n'));
  });

  it('no socket of the host is reached by a link in the container', async () => {
    const outside = join(world.dev.root, 'outside.sock');
    const listener = createServer((socket) => socket.end('reached')).listen(outside);
    await world.dev.inside(world.folder, `ln -sf ${outside} ~/link.sock; ln -sfn /proc/1/root ~/root`);
    const local = join(world.dev.root, 'out.sock');
    for (const [index, path] of ['/home/sailor/link.sock', `/home/sailor/root${outside}`, `/../..${outside}`].entries()) await within(['-L', `${local}${index}:${path}`], async () => assert.equal(await ask({ path: `${local}${index}` }, ''), ''));
    listener.close();
  });

  it('-A: the client’s ssh-agent, by a socket that only the remote user may use, gone with the connection', async () => {
    const folder = join(world.dev.root, 'agent');
    await mkdir(folder);
    const agent = start('ssh-agent', ['-D', '-a', join(folder, 'socket')], { env: world.env, stdio: 'ignore' });
    try {
      for (const end = Date.now() + 5000; !(await readdir(folder)).includes('socket'); await delay(20)) assert.ok(Date.now() < end);
      const env = { ...world.env, SSH_AUTH_SOCK: join(folder, 'socket') };
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'the user’s own', '-f', join(folder, 'key')]);
      await run('ssh-add', ['-q', join(folder, 'key')], { env });
      const { stdout } = await world.ssh([world.alias, 'ssh-add -l; stat -c "%U %a" "$SSH_AUTH_SOCK" "$(dirname "$SSH_AUTH_SOCK")"; echo "$SSH_AUTH_SOCK"'], { env: { SSH_AUTH_SOCK: join(folder, 'socket') } });
      assert.match(stdout, /the user’s own \(ED25519\)\nsailor 600\nsailor 700\n\/dev\/shm\//);
      await untilInside('test -z "$(ls -A /dev/shm)"');
      const shell = await world.dev.engine.berth(['shell', world.folder], { env: { ...world.env, SSH_AUTH_SOCK: join(folder, 'socket') }, input: 'ssh-add -l\n' });
      assert.match(shell.stdout, /the user’s own \(ED25519\)\n/, 'berth shell has it, too');
      await untilInside('test -z "$(ls -A /dev/shm)"');
      assert.equal((await world.ssh(['-a', world.alias, 'echo "${SSH_AUTH_SOCK-none}"'])).stdout, 'none\n');
    } finally {
      agent.kill();
    }
  });

  it('git in the container asks the client’s credential helper, knows its user, and keeps nothing', async () => {
    const helper = join(world.dev.root, 'helper');
    await writeFile(helper, `#!/bin/sh\necho "$1" >> ${helper}.log\n[ "$1" = get ] && { cat >/dev/null; echo username=me; echo password=secret-of-mine; } || cat >> ${helper}.log\n`, { mode: 0o755 });
    const env = { GIT_CONFIG_GLOBAL: join(world.dev.root, 'gitconfig') };
    await writeFile(env.GIT_CONFIG_GLOBAL, `[user]\n\tname = An Outer Name\n\temail = outer@example.com\n[credential]\n\thelper = ${helper}\n`);
    const { stdout } = await world.ssh([world.alias, 'git config user.name; git config user.email; printf "protocol=https\\nhost=example.com\\n\\n" | git credential fill; printf "protocol=https\\nhost=example.com\\nusername=me\\npassword=new\\n\\n" | git credential approve'], { env });
    assert.match(stdout, /^An Outer Name\nouter@example.com\n[^]*password=secret-of-mine/);
    assert.match((await run('cat', [`${helper}.log`])).stdout, /^get\nstore\n[^]*password=new/);
    assert.equal((await world.dev.inside(world.folder, 'grep -rl secret-of-mine /home /tmp /dev/shm /etc 2>/dev/null | head -1')).trim(), '');
    assert.equal((await stat(join(world.folder, '.git')).catch(() => undefined)), undefined);
  });
});
