import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine, bundle } from '../../support/engine.ts';
import { ask, endChild, serveIn } from '../../support/netnsServer.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';

const IMAGE = 'debian:bookworm';

interface Place {
  readonly IPAddress: string;
  readonly GlobalIPv6Address: string;
  readonly Gateway: string;
  readonly IPv6Gateway: string;
  readonly MacAddress: string;
  readonly Aliases: string[] | null;
  readonly IPAMConfig: { readonly IPv4Address?: string; readonly IPv6Address?: string } | null;
}

for (const rootless of [false, true]) describe(`containers in networks, running or not${rootless ? ', without root' : ''}`, () => {
  const instance = rootless ? 'rdmemusr' : 'rdmember';
  let engine: TestEngine;
  let user: OrdinaryUser | undefined;
  const children: ChildProcess[] = [];
  const docker = async (...args: string[]): Promise<string> => (await engine.docker(args)).stdout.trim();
  const fails = async (...args: string[]): Promise<string> => {
    const { status, stderr } = await engine.docker(args, { okStatus: 'any' });
    assert.notEqual(status, 0, args.join(' '));
    return stderr;
  };
  const places = async (container: string): Promise<Record<string, Place>> => JSON.parse(await docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', container)) as Record<string, Place>;
  const place = async (container: string, network: string): Promise<Place> => {
    const found = (await places(container))[network];
    assert.ok(found, `${container} is not in ${network}`);
    return found;
  };
  const inside = async (container: string, ...command: string[]): Promise<string> => (await engine.docker(['exec', container, ...command], { okStatus: 'any' })).stdout.trim();
  const found = async (container: string, name: string, family: 'ahostsv4' | 'ahostsv6' = 'ahostsv4'): Promise<string[]> => [...new Set((await inside(container, 'getent', family, name)).split('\n').map((line) => line.split(' ')[0] ?? ''))].filter(Boolean).sort();
  const netns = async (container: string): Promise<string> => `/proc/${await docker('inspect', '-f', '{{.State.Pid}}', container)}/ns/net`;
  const start = (name: string, ...args: string[]): Promise<string> => docker('run', '-d', '--name', name, ...args, IMAGE, 'sleep', '1000');

  before(async () => {
    user = rootless ? await OrdinaryUser.create(instance, { bundle, subIds: true }) : undefined;
    engine = await TestEngine.start({ instance, ...(user ? { user } : {}) });
    await engine.docker(['import', await baseTar(), IMAGE]);
    await docker('network', 'create', '--subnet', '10.198.1.0/24', 'front');
    await docker('network', 'create', '--ipv6', '--subnet', '10.198.2.0/24', '--ip-range', '10.198.2.128/25', '--gateway', '10.198.2.254', '--aux-address', 'printer=10.198.2.128', '--subnet', 'fd77:98::/64', 'back');
  });

  after(async () => {
    await Promise.all(children.map(endChild));
    await engine?.remove();
    await user?.remove();
  });

  afterEach(async () => {
    const ids = (await docker('ps', '-aq')).split('\n').filter(Boolean);
    if (ids.length > 0) await docker('rm', '-f', ...ids);
  });

  it('are in all of the networks of their creation from their first moment, with addresses, MAC and aliases as asked', async () => {
    await docker('create', '--name', 'both', '--network', 'name=front,alias=f,ip=10.198.1.77', '--network', 'name=back,ip6=fd77:98::77,mac-address=02:42:00:00:00:77', IMAGE, 'sleep', '1000');
    const planned = await places('both');
    assert.deepEqual(Object.keys(planned).sort(), ['back', 'front']);
    assert.deepEqual([planned['front']?.IPAMConfig?.IPv4Address, planned['front']?.Aliases, planned['front']?.IPAddress], ['10.198.1.77', ['f'], '']);
    await docker('start', 'both');
    assert.equal((await place('both', 'front')).IPAddress, '10.198.1.77');
    const back = await place('both', 'back');
    assert.deepEqual([back.IPAddress, back.GlobalIPv6Address, back.MacAddress], ['10.198.2.129', 'fd77:98::77', '02:42:00:00:00:77']);
    const links = await inside('both', 'sh', '-c', 'cat /sys/class/net/eth0/address /sys/class/net/eth1/address; cat /proc/net/route /etc/hosts');
    assert.match(links, /^02:42:0a:c6:01:4d\n02:42:00:00:00:77\n/);
    assert.match(links, /^eth0\t00000000\t0101C60A/m, 'the way out is the first network’s');
    assert.match(links, /^10\.198\.1\.77\t\w+$[^]*^10\.198\.2\.129\t\w+\nfd77:98::77\t\w+$/m);
    assert.match(await docker('network', 'inspect', '-f', '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{.IPv6Address}} {{.MacAddress}}{{end}}', 'back'), /^both 10\.198\.2\.129\/24 fd77:98::77\/64 02:42:00:00:00:77$/);
    await docker('restart', '-t', '0', 'both');
    assert.equal((await place('both', 'front')).IPAddress, '10.198.1.77');
  });

  it('join and leave before they start, and while they run, and stay so when they start again', async () => {
    await docker('create', '--name', 'web', '--network', 'front', IMAGE, 'sleep', '1000');
    await docker('network', 'connect', '--alias', 'store', '--ip', '10.198.2.9', 'back', 'web');
    assert.match(await fails('network', 'connect', 'back', 'web'), /already exists in network back/);
    await docker('start', 'web');
    assert.equal((await place('web', 'back')).IPAddress, '10.198.2.9');
    await start('asks', '--network', 'back');
    assert.deepEqual(await found('asks', 'store'), ['10.198.2.9']);
    await docker('network', 'connect', 'bridge', 'web');
    await docker('network', 'disconnect', 'front', 'web');
    assert.deepEqual(Object.keys(await places('web')).sort(), ['back', 'bridge']);
    const hosts = await inside('web', 'cat', '/etc/hosts');
    assert.ok(!hosts.includes('10.198.1.') && hosts.includes('10.198.2.9'));
    await docker('restart', '-t', '0', 'web');
    assert.deepEqual(Object.keys(await places('web')).sort(), ['back', 'bridge']);
    assert.equal((await place('web', 'back')).IPAddress, '10.198.2.9');
    await docker('stop', '-t', '0', 'web');
    for (const network of ['back', 'bridge']) await docker('network', 'disconnect', network, 'web');
    assert.match(await fails('network', 'disconnect', 'back', 'web'), /is not connected to network back/);
    await docker('start', 'web');
    assert.equal(await inside('web', 'ls', '/sys/class/net'), 'lo');
    await docker('network', 'connect', 'front', 'web');
    assert.match(await inside('web', 'cat', '/proc/net/route'), /^eth0\t00000000\t/m);
  });

  it('are refused what cannot be, in words that say why', async () => {
    await start('first', '--network', 'back', '--ip', '10.198.2.5');
    assert.match(await fails('run', '--rm', '--network', 'back', '--ip', '10.198.2.5', IMAGE, 'true'), /Address 10\.198\.2\.5 is already in use/);
    assert.match(await fails('run', '--rm', '--network', 'back', '--ip', '10.198.2.128', IMAGE, 'true'), /already in use/, 'somebody else’s');
    assert.match(await fails('run', '--rm', '--network', 'front', '--ip6', 'fd77:98::5', IMAGE, 'true'), /has no IPv6/);
    assert.match(await fails('run', '--rm', '--ip', '10.1.1.1', IMAGE, 'true'), /on user defined networks only/);
    await docker('create', '--name', 'shares', '--network', 'container:first', IMAGE, 'true');
    assert.match(await fails('network', 'connect', 'front', 'shares'), /network mode container:.* cannot be shared/);
    assert.match(await fails('network', 'connect', 'host', 'first'), /network mode host cannot be shared/);
    assert.match(await fails('network', 'rm', 'back'), /has active endpoints \(first\)/);
    assert.match((await engine.berth(['network', 'create', '--subnet', '10.198.7.0/24', '--ip-range', '10.198.8.0/25', 'x'], { okStatus: 'any' })).stderr, /ip-range: "10\.198\.8\.0\/25" is not a part of 10\.198\.7\.0\/24 \[BAD_REQUEST\]/);
    assert.match(await fails('network', 'create', '--opt', 'com.docker.network.bridge.name=lo', 'x'), /not a name of a network device/);
    assert.match(await fails('network', 'create', '--opt', `com.docker.network.bridge.name=br-${instance}`, 'x'), /is taken/);
  });

  it('have names by IPv4 and IPv6, one alias of several in turn', async () => {
    await start('one', '--network', 'back', '--network-alias', 'pool');
    await start('two', '--network', 'back', '--network-alias', 'pool');
    const [one, two] = [await place('one', 'back'), await place('two', 'back')];
    assert.deepEqual(await found('one', 'pool'), [one.IPAddress, two.IPAddress].sort());
    assert.deepEqual(await found('one', 'pool', 'ahostsv6'), [one.GlobalIPv6Address, two.GlobalIPv6Address].sort());
    assert.match(await inside('one', 'getent', 'hosts', two.GlobalIPv6Address), /two\.back/);
    const firsts = new Set<string>();
    for (let round = 0; round < 2; round++) firsts.add((await inside('one', 'perl', '-e', 'use Socket; my @h = gethostbyname("pool"); print inet_ntoa($h[4])')));
    assert.equal(firsts.size, 2, 'each comes first in turn');
  });

  it('know others by names of their own: by hosts on the default network, by its resolver on others', async () => {
    await start('db');
    assert.match(await fails('run', '--rm', '--link', 'nobody:x', IMAGE, 'true'), /No such container: nobody/);
    await start('app', '--link', 'db:store');
    assert.deepEqual(await found('app', 'store'), [(await place('db', 'bridge')).IPAddress]);
    assert.deepEqual(await found('app', 'db'), await found('app', 'store'));
    await docker('stop', '-t', '0', 'db');
    assert.match(await fails('run', '--rm', '--link', 'db:store', IMAGE, 'true'), /Cannot link to a non running container/);
    await start('squatter');
    await docker('start', 'db');
    for (const end = Date.now() + 10_000; (await found('app', 'store'))[0] !== (await place('db', 'bridge')).IPAddress; ) assert.ok(Date.now() < end, 'it has another address');
    await start('named', '--network', 'front', '--hostname', 'n');
    await start('user', '--network', 'front', '--link', 'named:alias');
    await start('other', '--network', 'front');
    assert.deepEqual(await found('user', 'alias'), [(await place('named', 'front')).IPAddress]);
    assert.deepEqual(await found('other', 'alias'), []);
  });

  it('are kept apart where the network says so, and published where it says', async () => {
    await docker('network', 'create', '--opt', 'com.docker.network.bridge.enable_icc=false', '--opt', 'com.docker.network.bridge.host_binding_ipv4=127.0.0.1', '--opt', 'com.docker.network.bridge.name=rdapart0', '--opt', 'com.docker.network.driver.mtu=1280', 'apart');
    await start('aa', '--network', 'apart', '-p', '28970:80');
    await start('bb', '--network', 'apart');
    const [{ IPAddress, Gateway }, bb] = [await place('aa', 'apart'), await netns('bb')];
    children.push(await serveIn(await netns('aa'), 80, 'aa'));
    assert.match(await ask('tcp', bb, IPAddress, 80), /timeout|EHOSTUNREACH/);
    assert.match(await ask('tcp', '', '127.0.0.1', 28_970), /^aa /);
    assert.doesNotMatch(await ask('tcp', bb, Gateway, 28_970), /^aa /, 'published on loopback alone');
    assert.equal(await docker('port', 'aa'), '80/tcp -> 127.0.0.1:28970');
    await docker('network', 'disconnect', 'apart', 'aa');
    assert.equal(await docker('port', 'aa'), '');
    await docker('network', 'connect', 'apart', 'aa');
    assert.match(await ask('tcp', '', '127.0.0.1', 28_970), /^aa /, 'with its first network again');
    assert.equal(await inside('aa', 'cat', '/sys/class/net/eth0/mtu'), '1280');
    const link = async () => run('nsenter', [`--net=/proc/${await engine.pid()}/ns/net`, 'ip', 'link', 'show', 'rdapart0'], { okStatus: 'any' });
    assert.match((await link()).stdout, /mtu 1280/);
    await docker('rm', '-f', 'aa', 'bb');
    await docker('network', 'rm', 'apart');
    assert.notEqual((await link()).status, 0);
  });

  it('are reached through what they publish, by TCP and UDP, IPv4 and IPv6, the first free port of a range included', async () => {
    await start('first', '-p', '127.0.0.1:28974:81');
    await start('web', '--network', 'back', '-p', '28971:80', '-p', '28971:80/udp', '-p', '127.0.0.1:28974-28976:80');
    children.push(await serveIn(await netns('web'), 80, 'web'));
    for (const protocol of ['tcp', 'udp'] as const) for (const host of ['127.0.0.1', '::1']) assert.match(await ask(protocol, '', host, 28_971), /^web /, `${protocol} ${host}`);
    assert.match(await ask('tcp', '', '127.0.0.1', 28_975), /^web /);
    assert.match(await docker('port', 'web', '80/tcp'), /^0\.0\.0\.0:28971\n127\.0\.0\.1:28975\n\[::\]:28971$/);
  });

  it('leave networks that nobody is in to be pruned, by docker and by berth', async () => {
    await start('keeps', '--network', 'front');
    for (const name of ['empty1', 'empty2']) await engine.berth(['network', 'create', '--ipv6', '--label', 'of=test', name]);
    assert.match((await engine.berth(['network', 'ls'])).stdout, /empty1 +bridge +10\.[\d.]+\/16, fd[0-9a-f:]+\/64/);
    assert.equal((await engine.berth(['network', 'inspect', '-f', '{{.EnableIPv6}}', 'empty1'])).stdout, 'true\n');
    await engine.berth(['network', 'connect', '--alias', 'k', 'empty1', 'keeps']);
    assert.equal((await engine.berth(['network', 'prune', '-f', '--filter', 'label=of=test'])).stdout, 'empty2\n');
    await engine.berth(['network', 'disconnect', 'empty1', 'keeps']);
    assert.match(await docker('network', 'prune', '-f', '--filter', 'label=of=test'), /empty1/);
    assert.match((await engine.berth(['network', 'rm', 'empty1'], { okStatus: 'any' })).stderr, /NO_SUCH_NETWORK/);
  });

  it('keep their networks when the engine is killed', async () => {
    await docker('create', '--name', 'planned', '--network', 'front', IMAGE, 'sleep', '1000');
    await docker('network', 'connect', 'back', 'planned');
    await start('running', '--network', 'front');
    await docker('network', 'connect', '--ip6', 'fd77:98::99', 'back', 'running');
    await engine.kill();
    await engine.startAgain();
    assert.equal((await place('running', 'back')).GlobalIPv6Address, 'fd77:98::99');
    await docker('start', 'planned');
    assert.deepEqual(Object.keys(await places('planned')).sort(), ['back', 'front']);
    assert.deepEqual(await found('planned', 'running', 'ahostsv6'), ['fd77:98::99']);
  });
});
