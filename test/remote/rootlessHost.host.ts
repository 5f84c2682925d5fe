import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { RemoteHost } from '../support/remoteHost.ts';

const IMAGE = 'debian:bookworm';
const DEFINITION = JSON.stringify({ image: IMAGE, remoteUser: 'root', forwardPorts: [28210], onCreateCommand: 'echo created > created-inside' });
const LISTENER = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:28210", Listen => 5, ReuseAddr => 1); while (my $c = $s->accept) { print $c "HTTP/1.0 200 OK\\r\\n\\r\\nfrom inside\\n"; close $c }`;
/** Everything of ours that an ordinary user may have there. */
const TRACES = 'ls -d /home/dev/.berth /home/dev/.local/share/berth /run/user/1000/berth /tmp/berth-1000 2>/dev/null; ps -eo user:20,args | grep -E "berth|conmon|rootlesskit|slirp4netns" | grep -v grep; grep berth /proc/mounts | grep -v " / "; find / /home /tmp /run -xdev -uid +99999 2>/dev/null; find /home/dev -mindepth 1 -not -path "*/.ssh*" -not -name ".bash*" -not -name .profile; true';

describe('a bare host, as an ordinary user', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rrmany', has: ['uidmap'] });
    await client.know(host, 'dev');
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });
  const project = (): string => join(client.home, 'project');
  const inside = (args: readonly string[]): ReturnType<ClientMachine['berth']> => client.berth(['--host', 'rrmany', 'exec', '--folder', project(), '--', ...args]);

  it('gets an engine that needs no root, with the tools it brought', async () => {
    await client.addHost('rrmany');
    const { stderr } = await client.berth(['--host', 'rrmany', 'ps']);
    assert.doesNotMatch(stderr, /REMOTE_NO_SUBIDS|further user ids/);
    assert.match((await client.berth(['--host', 'rrmany', 'engine', 'status'])).stdout, /without root[^]*\/tmp\/berth-1000\/berth\/berth\.sock[^]*\/home\/dev\/\.local\/share\/berth/);
    assert.doesNotMatch((await client.berth(['host', 'doctor', 'rrmany'])).stdout, /FAILED/);
    const { stdout } = await host.exec('for p in /proc/[0-9]*; do readlink $p/exe; done | grep -E "rootlesskit|slirp4netns" | sort -u');
    assert.match(stdout, /^\/home\/dev\/\.berth\/engine\/[0-9a-f]{64}\/bin\/rootlesskit\n\/home\/dev\/\.berth\/engine\/[0-9a-f]{64}\/bin\/slirp4netns\n$/);
  });

  it('runs containers with several users', async () => {
    await client.docker('rrmany', ['import', await baseTar(), IMAGE]);
    assert.equal((await client.docker('rrmany', ['run', '--rm', '-i', '-u', '1000', IMAGE, 'sh', '-c', 'id -u; cat'], { input: 'through the link\n' })).stdout, '1000\nthrough the link\n');
    await client.docker('rrmany', ['run', '--rm', '-v', 'kept:/v', IMAGE, 'sh', '-c', 'touch /v/of-another && chown 33:33 /v/of-another']);
  });

  it('brings up a dev container of a folder that is kept in sync, both ways', async () => {
    await mkdir(join(project(), '.devcontainer'), { recursive: true });
    await writeFile(join(project(), '.devcontainer/devcontainer.json'), DEFINITION);
    await writeFile(join(project(), 'source.txt'), 'from the client\n');
    assert.match((await client.berth(['--host', 'rrmany', 'up', project()])).stdout, /"outcome":"success"/);
    assert.equal((await inside(['cat', 'source.txt'])).stdout, 'from the client\n');
    await until(async () => (await readFile(join(project(), 'created-inside'), 'utf8').catch(() => '')) === 'created\n', 'a file made there');
    await writeFile(join(project(), 'source.txt'), 'changed\n');
    await until(async () => (await inside(['cat', 'source.txt'])).stdout === 'changed\n', 'a change made here');
  });

  it('lets an editor in by ssh, with files both ways', async () => {
    const { stdout } = await client.berth(['--host', 'rrmany', 'ssh-config', '--json']);
    const [entry] = JSON.parse(stdout) as Array<{ alias: string }>;
    const alias = entry?.alias ?? '';
    assert.equal((await client.ssh([alias, 'cat /workspaces/project/source.txt; whoami'])).stdout, 'changed\nroot\n');
    await client.run('scp', [...client.sshOptions(), join(project(), 'source.txt'), `${alias}:/tmp/copied`]);
    await client.run('sftp', [...client.sshOptions(), '-b', '-', alias], { input: `get /tmp/copied ${join(client.home, 'back')}\n` });
    assert.equal(await readFile(join(client.home, 'back'), 'utf8'), 'changed\n');
  });

  it('brings the container’s ports to the host’s loopback, and from there to the client’s', async () => {
    const server = client.begin(['--host', 'rrmany', 'exec', '--folder', project(), '--', 'perl', '-e', LISTENER]);
    try {
      let address = '';
      await until(async () => {
        address = /127\.0\.0\.1:(\d+)/.exec((await client.berth(['host', 'ports', 'rrmany', '--json'])).stdout)?.[0] ?? '';
        return address !== '' && (await fetch(`http://${address}/`).then((answer) => answer.text(), () => '')) === 'from inside\n';
      }, 'a forwarded port');
      const { stdout } = await host.exec('exec 3<>/dev/tcp/127.0.0.1/28210; echo GET / >&3; cat <&3');
      assert.match(stdout, /from inside/);
    } finally {
      server.kill();
      await once(server, 'exit');
    }
  });

  it('is rid of everything after rm --purge, files of other ids too', async () => {
    assert.match((await host.exec(TRACES)).stdout, /conmon[^]*of-another[^]*\/home\/dev\/berth\/[0-9a-f]{6}\/project/);
    await host.exec('cd /home/dev/berth/*/project && echo "made there, last of all" > last && chown dev: last');
    const ended = await client.berth(['--host', 'rrmany', 'down', project()]);
    assert.equal(ended.status, 0);
    const { stderr } = await client.berth(['host', 'rm', 'rrmany', '--purge', '--yes']);
    assert.match(stderr, /the sync of .*project is over; the folder stays[^]*removed \/home\/dev\/berth\/[0-9a-f]{6}\/project\n/);
    assert.equal(await readFile(join(project(), 'last'), 'utf8'), 'made there, last of all\n');
    assert.equal((await client.berth(['sync', 'list', '--json'])).stdout, '[]\n');
    await until(async () => (await host.exec(TRACES)).stdout === '', 'the end of its processes').catch(async () => assert.equal((await host.exec(TRACES)).stdout, ''));
  });
});

describe('a bare host, as an ordinary user with one id', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rrone' });
    await client.know(host, 'dev');
    await client.addHost('rrone');
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });

  it('says what will not work, and runs containers as their root', async () => {
    const { stderr } = await client.berth(['host', 'connect', 'rrone']);
    assert.match(stderr, /dev on .* has no further user ids for containers \(the host has no newuidmap\)/);
    await client.docker('rrone', ['import', await baseTar(), IMAGE]);
    assert.equal((await client.docker('rrone', ['run', '--rm', IMAGE, 'sh', '-c', 'id -u; echo out'])).stdout, '0\nout\n');
    assert.match((await client.berth(['--host', 'rrone', 'ps', '-a'])).stdout, /CONTAINER ID/);
    await client.berth(['host', 'rm', 'rrone', '--purge', '--yes']);
    await until(async () => (await host.exec(TRACES)).stdout === '', 'the end of its processes').catch(async () => assert.equal((await host.exec(TRACES)).stdout, ''));
  });
});

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 50))) assert.ok(Date.now() < end, `${what} did not come`);
}
