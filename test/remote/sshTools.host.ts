import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../../engine/host/process.ts';
import { editorTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { RemoteHost } from '../support/remoteHost.ts';

const [LOCAL, REVERSE, SOCKS, ANSWERS] = [28180, 28181, 28182, 28183];
const ALIAS = 'project.rtssh.berth';
const LISTENER = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:4711", Listen => 5, ReuseAddr => 1); while (my $c = $s->accept) { my $l = <$c>; print $c "inside: $l"; close $c }';

/** The system's own programs, by the alias of a dev container on a remote host: ssh, ProxyCommand, link, endpoint. */
describe('what uses ssh, in a dev container on a remote host', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  let project: string;
  let here: string;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rtssh' });
    await client.know(host);
    await client.addHost('rtssh');
    await client.berth(['--host', 'rtssh', 'ps']);
    await client.docker('rtssh', ['import', await editorTar(), 'debian:bookworm']);
    [project, here] = [join(client.home, 'project'), join(client.home, 'here')];
    await mkdir(join(project, '.devcontainer'), { recursive: true });
    await mkdir(here);
    await writeFile(join(here, 'file'), 'of the client\n');
    await writeFile(join(project, '.devcontainer/Dockerfile'), 'FROM debian:bookworm\nRUN useradd -m -u 1000 -s /bin/bash sailor\n');
    await writeFile(join(project, '.devcontainer/devcontainer.json'), JSON.stringify({ build: { dockerfile: 'Dockerfile' }, remoteUser: 'sailor' }));
    await client.berth(['--host', 'rtssh', 'up', project]);
    await client.berth(['--host', 'rtssh', 'ssh-config']);
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });

  const ssh = async (...args: string[]): Promise<string> => (await client.ssh([...args])).stdout;
  const over = (): string => ['ssh', ...client.sshOptions()].join(' ');
  /** While ssh holds a forwarding. */
  const within = async (args: readonly string[], work: () => Promise<void>): Promise<void> => {
    const holder: ChildProcess = start('ssh', [...client.sshOptions(), ...args, '-o', 'ExitOnForwardFailure=yes', ALIAS, 'echo up; cat'], { cwd: client.home, env: client.env, stdio: ['pipe', 'pipe', 'inherit'] });
    const gone = once(holder, 'exit');
    try {
      assert.equal(String((await once(holder.stdout ?? holder, 'data'))[0]), 'up\n');
      await work();
    } finally {
      holder.kill();
      await gone;
    }
  };
  const ask = (socket: Socket, line: string): Promise<string> => {
    socket.write(line);
    return text(socket);
  };

  it('ssh: input, output, status, signals of the way there', async () => {
    assert.equal(await ssh(ALIAS, 'whoami; pwd'), 'sailor\n/workspaces/project\n');
    const { status, stdout, stderr } = await client.ssh([ALIAS, 'cat; echo wrong >&2; exit 5'], { input: 'in\n', okStatus: 'any' });
    assert.deepEqual([status, stdout, stderr], [5, 'in\n', 'wrong\n']);
    assert.match(await ssh('-tt', ALIAS, 'tty'), /\/dev\/pts\/\d+/);
  });

  it('scp, both ways', async () => {
    await client.run('scp', [...client.sshOptions(), '-r', here, `${ALIAS}:/tmp/copied`]);
    assert.equal(await ssh(ALIAS, 'cat /tmp/copied/file; stat -c %U /tmp/copied/file'), 'of the client\nsailor\n');
    await client.run('scp', [...client.sshOptions(), `${ALIAS}:/tmp/copied/file`, join(here, 'back')]);
    assert.equal(await readFile(join(here, 'back'), 'utf8'), 'of the client\n');
  });

  it('sftp', async () => {
    await writeFile(join(here, 'batch'), `put ${here}/file /tmp/put\nrename /tmp/put /tmp/renamed\nget /tmp/renamed ${here}/got\nls -l /tmp/renamed\n`);
    const { stdout } = await client.run('sftp', [...client.sshOptions(), '-b', join(here, 'batch'), ALIAS]);
    assert.match(stdout, /-rw.*\/tmp\/renamed/);
    assert.equal(await readFile(join(here, 'got'), 'utf8'), 'of the client\n');
  });

  it('rsync, both ways, the second time only what changed', async () => {
    await mkdir(join(here, 'tree'));
    for (let index = 0; index < 50; index += 1) await writeFile(join(here, `tree/f${index}`), `${index}\n`);
    const rsync = async (from: string, to: string): Promise<string> => (await client.run('rsync', ['-a', '--itemize-changes', '-e', over(), from, to])).stdout;
    await rsync(`${here}/tree/`, `${ALIAS}:/tmp/tree/`);
    await writeFile(join(here, 'tree/f7'), 'changed\n');
    assert.match(await rsync(`${here}/tree/`, `${ALIAS}:/tmp/tree/`), /^<f\S+ f7\n$/);
    await rsync(`${ALIAS}:/tmp/tree/`, `${here}/back-tree/`);
    assert.deepEqual([(await readdir(join(here, 'back-tree'))).length, await readFile(join(here, 'back-tree/f7'), 'utf8')], [50, 'changed\n']);
  });

  it('git clone and push', async () => {
    const env = { GIT_SSH_COMMAND: over(), GIT_CONFIG_NOSYSTEM: '1' };
    const git = async (...args: string[]): Promise<string> => (await client.run('git', ['-c', 'user.name=Me', '-c', 'user.email=me@example.com', ...args], { env })).stdout;
    await ssh(ALIAS, 'git init -q --bare -b main /tmp/repository.git && cd /tmp && git clone -q repository.git work 2>/dev/null && cd work && echo one > one && git add one && git -c user.name=Sailor -c user.email=s@example.com commit -qm One && git push -q origin HEAD:main');
    await git('clone', '-q', `${ALIAS}:/tmp/repository.git`, join(here, 'clone'));
    assert.equal(await readFile(join(here, 'clone/one'), 'utf8'), 'one\n');
    await git('-C', join(here, 'clone'), 'commit', '-q', '--allow-empty', '-m', 'Two');
    await git('-C', join(here, 'clone'), 'push', '-q', 'origin', 'HEAD:main');
    assert.equal(await ssh(ALIAS, 'git -C /tmp/repository.git log --format=%s main'), 'Two\nOne\n');
  });

  it('-L and -D lead to what listens on the container’s loopback', async () => {
    await ssh(ALIAS, `nohup perl -e '${LISTENER}' >/dev/null 2>&1 & until grep -q ":1267 .* 0A " /proc/net/tcp; do sleep 0.05; done`);
    await within(['-L', `${LOCAL}:localhost:4711`, '-D', `127.0.0.1:${SOCKS}`], async () => {
      assert.equal(await ask(connect(LOCAL, '127.0.0.1'), 'one\n'), 'inside: one\n');
      const socket = connect(SOCKS, '127.0.0.1');
      socket.write(Buffer.from([5, 1, 0])); // SOCKS 5, no log-in
      assert.deepEqual([...((await once(socket, 'data'))[0] as Buffer)], [5, 0]);
      socket.write(Buffer.concat([Buffer.from([5, 1, 0, 1, 127, 0, 0, 1]), Buffer.from([4711 >> 8, 4711 & 255])]));
      assert.equal(((await once(socket, 'data'))[0] as Buffer)[1], 0, 'granted');
      assert.equal(await ask(socket, 'two\n'), 'inside: two\n');
    });
  });

  it('-R gives the container a way to the client', async () => {
    const server: Server = createServer((socket) => socket.on('error', () => undefined).once('data', (line) => socket.end(`outside: ${line.toString()}`))).listen(ANSWERS, '127.0.0.1');
    try {
      await within(['-R', `${REVERSE}:127.0.0.1:${ANSWERS}`], async () => {
        assert.equal(await ssh(ALIAS, `perl -MIO::Socket::INET -e 'my $c = IO::Socket::INET->new("127.0.0.1:${REVERSE}"); print $c "three\\n"; print <$c>'`), 'outside: three\n');
      });
    } finally {
      server.close();
    }
  });

  it('-A lends the client’s agent to the container, and only while it lasts', async () => {
    const socket = join(client.home, 'run/agent');
    const agent = start('ssh-agent', ['-D', '-a', socket], { env: client.env, stdio: 'ignore' });
    const gone = once(agent, 'exit');
    try {
      for (const end = Date.now() + 5000; !(await stat(socket).then(() => true, () => false)); await delay(20)) assert.ok(Date.now() < end);
      const env = { SSH_AUTH_SOCK: socket };
      await client.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'my own', '-f', join(here, 'key')]);
      await client.run('ssh-add', ['-q', join(here, 'key')], { env });
      assert.match((await client.ssh(['-A', ALIAS, 'ssh-add -l'], { env })).stdout, /my own \(ED25519\)/);
      assert.equal(await ssh('-a', ALIAS, 'echo "${SSH_AUTH_SOCK-none}"'), 'none\n');
    } finally {
      agent.kill();
      await gone;
    }
  });
});
