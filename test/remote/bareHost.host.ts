import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { bundle } from '../support/engine.ts';
import { RemoteHost } from '../support/remoteHost.ts';
import { onTerminal } from '../support/terminal.ts';

const DEFINITION = JSON.stringify({ image: 'debian:bookworm', remoteUser: 'root', forwardPorts: [8123], onCreateCommand: 'echo created > created-inside' });
const LISTENER = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8123", Listen => 5, ReuseAddr => 1); while (my $c = $s->accept) { print $c "HTTP/1.0 200 OK\\r\\n\\r\\nfrom inside\\n"; close $c }`;

/** A host that has sshd and a kernel, and a client that has `berth`: everything from the first connection to the last trace. */
describe('a bare host', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'barehost' });
    await client.know(host);
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });
  const project = (): string => join(client.home, 'project');

  it('gets the engine with the first command, and says each step to the doctor', async () => {
    await client.addHost('barehost');
    const { stdout } = await client.berth(['--host', 'barehost', 'ps']);
    assert.match(stdout, /CONTAINER ID/);
    const doctor = await client.berth(['host', 'doctor', 'barehost']);
    assert.match(doctor.stdout, /login/);
    assert.doesNotMatch(doctor.stdout, /failed/);
    assert.match((await host.exec('ls /root/.berth/engine')).stdout, /[0-9a-f]{64}/);
  });

  it('runs containers for the stock docker command through the link', async () => {
    await client.docker('barehost', ['import', await baseTar(), 'debian:bookworm']);
    assert.equal((await client.docker('barehost', ['run', '--rm', 'debian:bookworm', 'sh', '-c', 'echo out; hostname'])).stdout.split('\n')[0], 'out');
    assert.equal((await client.docker('barehost', ['run', '--rm', '-i', 'debian:bookworm', 'tr', 'a-z', 'A-Z'], { input: 'through the link\n' })).stdout, 'THROUGH THE LINK\n');
  });

  it('builds a folder of the client; files and the cache come to the client, and the cache goes back there', async () => {
    const folder = join(client.home, 'build');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm AS make\nRUN echo ran && mkdir /out && echo made > /out/file\nFROM scratch\nCOPY --from=make /out /\nCOPY here /here\n');
    await writeFile(join(folder, 'here'), 'of the client\n');
    const build = (...flags: string[]): ReturnType<ClientMachine['berth']> => client.berth(['--host', 'barehost', 'build', '--progress=plain', ...flags, folder]);
    const [out, cache] = [join(client.home, 'out'), join(client.home, 'cache')];
    assert.match((await build('-o', out, '--cache-to', `type=local,dest=${cache},mode=max`)).stderr, /^#\d+ ran$/m);
    assert.deepEqual([await readFile(join(out, 'file'), 'utf8'), await readFile(join(out, 'here'), 'utf8')], ['made\n', 'of the client\n']);
    assert.ok((await stat(join(cache, 'index.json'))).isFile());
    assert.equal((await host.exec(`ls -d ${out} ${cache} 2>/dev/null | wc -l`)).stdout.trim(), '0');
    await client.docker('barehost', ['builder', 'prune', '-af']);
    const again = await build('-o', out, '--cache-from', `type=local,src=${cache}`);
    assert.doesNotMatch(again.stderr, /^#\d+ ran$|warning/m);
    assert.match(again.stderr, /CACHED \[1 \d\/5\] COPY --from=make/);
  });

  it('opens a shell in a RUN that failed there, from standard input and on a terminal', async () => {
    const folder = join(client.home, 'failing');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), 'FROM debian:bookworm\nWORKDIR /w\nRUN --mount=type=secret,id=word --mount=type=bind,target=/src echo half > made; exit 7\n');
    await writeFile(join(folder, 'word'), 'of the client\n');
    const args = ['--host', 'barehost', 'build', '--debug', '--progress=plain', '--secret', `id=word,src=${join(folder, 'word')}`, '--add-host', 'db.test:10.1.2.3', folder];
    const { stdout, stderr, status } = await client.berth(args, { input: 'pwd; cat made /run/secrets/word; ls /src; grep db.test /etc/hosts; exit 3\n', okStatus: 'any' });
    assert.equal(stdout, '/w\nhalf\nof the client\nDockerfile\nword\n10.1.2.3\tdb.test\n', stderr);
    assert.match(stderr, /line 3: .* failed\. This shell has its files[^]*returned a non-zero code: 7/);
    assert.notEqual(status, 0);
    const { screen } = await onTerminal([process.execPath, bundle, ...args], [{ when: /exit ends the build[^]*# /, say: 'tty; cat made; exit\r' }], { cwd: client.home, env: client.env });
    assert.match(screen, /\/dev\/(pts\/\d+|console)[^]*half[^]*returned a non-zero code: 7/);
    assert.equal((await client.docker('barehost', ['ps', '-aq'])).stdout, '');
    assert.equal((await client.docker('barehost', ['images', '-aq', '-f', 'dangling=true'])).stdout, '');
  });

  it('up --host keeps a folder of the client in sync, both ways', async () => {
    await mkdir(join(project(), '.devcontainer'), { recursive: true });
    await writeFile(join(project(), '.devcontainer/devcontainer.json'), DEFINITION);
    await writeFile(join(project(), 'source.txt'), 'from the client\n');
    const { stdout } = await client.berth(['--host', 'barehost', 'up', project()]);
    assert.match(stdout, /"outcome":"success"/);
    assert.equal((await client.berth(['--host', 'barehost', 'exec', '--folder', project(), '--', 'cat', 'source.txt'])).stdout, 'from the client\n');
    await until(async () => (await readFile(join(project(), 'created-inside'), 'utf8').catch(() => '')) === 'created\n', 'a file made there');
    await writeFile(join(project(), 'source.txt'), 'changed\n');
    await until(async () => (await client.berth(['--host', 'barehost', 'exec', '--folder', project(), '--', 'cat', 'source.txt'])).stdout === 'changed\n', 'a change made here');
  });

  it('lets an editor in by ssh, with files and ports', async () => {
    const { stdout } = await client.berth(['--host', 'barehost', 'ssh-config', '--json']);
    const [entry] = JSON.parse(stdout) as Array<{ alias: string }>;
    assert.equal(entry?.alias, 'project.barehost.berth');
    const ssh = async (command: string): Promise<string> => (await client.ssh([entry.alias, command])).stdout;
    assert.equal(await ssh('cat /workspaces/project/source.txt; whoami'), 'changed\nroot\n');
    await client.run('scp', [...client.sshOptions(), join(project(), 'source.txt'), `${entry.alias}:/tmp/copied`]);
    assert.equal(await ssh('cat /tmp/copied'), 'changed\n');
  });

  it('brings the container’s ports to the client’s own address', async () => {
    const server = client.begin(['--host', 'barehost', 'exec', '--folder', project(), '--', 'perl', '-e', LISTENER]);
    try {
      let address = '';
      await until(async () => {
        const { stdout } = await client.berth(['host', 'ports', 'barehost', '--json']);
        address = /127\.0\.0\.1:(\d+)/.exec(stdout)?.[0] ?? '';
        return address !== '';
      }, 'a forwarded port');
      const answer = await fetch(`http://${address}/`);
      assert.equal(await answer.text(), 'from inside\n');
    } finally {
      server.kill();
      await once(server, 'exit');
    }
  });

  it('is rid of everything after rm --purge', async () => {
    await assert.rejects(client.berth(['host', 'rm', 'barehost', '--purge']), /Add --yes/);
    await assert.rejects(client.berth(['host', 'rm', 'barehost', '--purge', '--yes']), /REMOTE_CONTAINERS_RUNNING/);
    await client.berth(['--host', 'barehost', 'down', project()]);
    await client.berth(['sync', 'stop', '--forget', project()]);
    await client.berth(['host', 'rm', 'barehost', '--purge', '--force']);
    const { stdout } = await host.exec('ls -d /root/.berth /root/berth /var/lib/berth /run/berth /run/netns/berth* 2>/dev/null; ip -o link | grep -c berth; ps -eo args | grep -E "berth|conmon" | grep -v grep; mount | grep -v " on / " | grep berth; true');
    assert.equal(stdout, '0\n');
    assert.equal(await stat(client.socket('barehost')).then(() => true, () => false), false);
  });
});

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 50))) assert.ok(Date.now() < end, `${what} did not come`);
}
