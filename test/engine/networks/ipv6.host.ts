import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBus } from '../../../engine/base/eventBus.ts';
import { silentLog } from '../../../engine/base/log.ts';
import { run } from '../../../engine/host/process.ts';
import { NetworkService } from '../../../engine/networks/networkService.ts';
import type { Endpoint } from '../../../engine/networks/networkService.ts';
import { leftovers } from '../../support/leftovers.ts';
import { ask, endChild, serveIn } from '../../support/netnsServer.ts';
import { removeTestRoot, testRoot } from '../../support/testRoots.ts';

const instance = 'rdsix';
const OUTSIDE = `/run/netns/berth${instance}-out`;
const HOST = 'fd77:231::1';

describe('IPv6 in networks', () => {
  let root: string;
  let service: NetworkService;
  let sixes = 0;
  const children: ChildProcess[] = [];
  const open = (): NetworkService => new NetworkService({ config: { dataRoot: join(root, 'data'), runRoot: join(root, 'run'), socketPath: '', instance, idleSeconds: 0 }, log: silentLog, events: new EventBus(), poolSize: 1 });
  const attach = (id: string, network = 'six'): Promise<Endpoint> => service.attach(id, { network, hostname: id });
  const serve = async (netns: string, port: number, word: string): Promise<void> => void children.push(await serveIn(netns, port, word));

  before(async () => {
    root = await testRoot(tmpdir(), 'six', { instance });
    service = open();
    await service.prepare();
    await service.catalog.create({ name: 'six', ipv6: true });
    await service.catalog.create({ name: 'aside', ipv6: true, subnets: [{ subnet: 'fd77:232::/64', gateway: 'fd77:232::fe', range: 'fd77:232::100/120' }] });
    // "Outside": a machine beside the host, which knows the way to the host's own address alone.
    await run('ip', ['-batch', '-'], { input: `netns add berth${instance}-out\nlink add rdsixo type veth peer name eth0 netns berth${instance}-out\naddr add ${HOST}/64 dev rdsixo nodad\nlink set rdsixo up\n` });
    await run('ip', ['-n', `berth${instance}-out`, '-batch', '-'], { input: `link set lo up\naddr add fd77:231::2/64 dev eth0 nodad\nlink set eth0 up\nroute add default via ${HOST}\n` });
    await serve(OUTSIDE, 7000, 'outside');
    sixes = children.length;
  });

  afterEach(async () => {
    await Promise.all(children.splice(sixes).map(endChild));
    await service.reconcile([]);
    await service.settled();
  });

  after(async () => {
    await Promise.all(children.map(endChild));
    for (const name of ['six', 'aside']) await service.catalog.remove(name);
    await service.teardown();
    await run('ip', ['-batch', '-'], { input: `link del rdsixo\nnetns del berth${instance}-out\n` });
    const left = await leftovers(root, instance);
    await removeTestRoot(root);
    assert.deepEqual(left, []);
  });

  it('chooses a unique local subnet, or takes what is given, and gives addresses of it', async () => {
    const { record } = service.catalog.inspect('six');
    assert.match(record.subnet6, /^fd[0-9a-f:]+\/64$/);
    assert.equal((await attach('a')).ip6, record.gateway6.replace(/1$/, '2'));
    const given = await attach('b', 'aside');
    assert.deepEqual([given.ip6, given.prefix6, given.gateway6], ['fd77:232::100', 64, 'fd77:232::fe']);
    const wished = await service.attach('c', { network: 'aside', hostname: 'c', ip6: 'FD77:232:0::0c' });
    assert.equal(wished.ip6, 'fd77:232::c');
    await assert.rejects(service.attach('d', { network: 'aside', hostname: 'd', ip6: 'fd77:232::c' }), { code: 'ADDRESS_TAKEN' });
    await assert.rejects(service.attach('d', { network: 'bridge', hostname: 'd', ip6: 'fd77:232::d' }), { code: 'NETWORK_WITHOUT_IPV6' });
    await assert.rejects(service.catalog.create({ name: 'clash', ipv6: true, subnets: [{ subnet: 'fd77:232::/48' }] }), { code: 'SUBNET_TAKEN' });
    await assert.rejects(service.catalog.create({ name: 'not', subnets: [{ subnet: 'fd77:239::/64' }] }), { code: 'BAD_REQUEST', message: /--ipv6/ });
  });

  it('reaches neighbours at once, the outside under the host’s address, and other networks not', async () => {
    const [a, b, other] = [await attach('a'), await attach('b'), await attach('other', 'aside')];
    await serve(b.netnsPath, 80, 'b');
    await serve(other.netnsPath, 80, 'other');
    assert.equal(await ask('tcp', a.netnsPath, b.ip6, 80), `b ${a.ip6}`);
    assert.equal(await ask('udp', a.netnsPath, b.ip6, 80), `b ${a.ip6}`);
    assert.equal(await ask('tcp', a.netnsPath, 'fd77:231::2', 7000), `outside ${HOST}`);
    assert.equal(await ask('tcp', a.netnsPath, other.ip6, 80), 'timeout');
    assert.equal(await ask('tcp', OUTSIDE, b.ip6, 80), 'timeout', 'a port that is not published');
  });

  it('publishes on every address, loopback and hairpin included, by TCP and UDP', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    await serve(a.netnsPath, 80, 'a');
    const ports = await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 28_961 }, { containerPort: 80, protocol: 'udp', hostIp: '', hostPort: 28_961 }]);
    assert.deepEqual(ports.map(({ protocol, hostIp }) => `${protocol} ${hostIp}`), ['tcp 0.0.0.0', 'tcp ::', 'udp 0.0.0.0', 'udp ::']);
    for (const protocol of ['tcp', 'udp'] as const) {
      assert.equal(await ask(protocol, OUTSIDE, HOST, 28_961), 'a fd77:231::2', 'the container sees who asks');
      assert.equal(await ask(protocol, '', '::1', 28_961), `a ${a.gateway6}`);
      assert.match(await ask(protocol, '', HOST, 28_961), /^a /);
      assert.match(await ask(protocol, b.netnsPath, a.gateway6, 28_961), /^a /, 'a neighbour, by the host’s port');
      assert.match(await ask(protocol, a.netnsPath, a.gateway6, 28_961), /^a /, 'itself, by the host’s port');
    }
  });

  it('publishes on one address alone, by the kernel for who has IPv6 and by a relay for who has not', async () => {
    const [a, plain] = [await attach('a'), await attach('plain', 'default')];
    await serve(a.netnsPath, 80, 'a');
    await serve(plain.netnsPath, 80, 'plain');
    for (const protocol of ['tcp', 'udp'] as const) {
      await service.publish('a', a, [{ containerPort: 80, protocol, hostIp: 'FD77:231::01', hostPort: 28_962 }]);
      await service.publish('plain', plain, [{ containerPort: 80, protocol, hostIp: HOST, hostPort: 28_963 }]);
      assert.equal(await ask(protocol, OUTSIDE, HOST, 28_962), 'a fd77:231::2');
      assert.equal(await ask(protocol, OUTSIDE, HOST, 28_963), `plain ${plain.gateway}`);
      assert.doesNotMatch(await ask(protocol, '', '::1', 28_962), /^a /);
    }
    assert.deepEqual(service.publishedPorts('a')[0], { containerPort: 80, protocol: 'tcp', hostIp: HOST, hostPort: 28_962 });
    await assert.rejects(service.publish('plain', plain, [{ containerPort: 80, protocol: 'tcp', hostIp: HOST, hostPort: 28_962 }]), { code: 'PORT_IN_USE' });
  });

  it('goes on while no engine runs, and with the next one', async () => {
    const a = await attach('a');
    await serve(a.netnsPath, 80, 'a');
    await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 28_964 }]);
    await service.close();
    assert.equal(await ask('tcp', OUTSIDE, HOST, 28_964), 'a fd77:231::2');
    service = open();
    await service.prepare();
    assert.deepEqual(service.endpoints('a'), [a]);
    assert.equal(await ask('tcp', OUTSIDE, HOST, 28_964), 'a fd77:231::2');
    assert.equal(await ask('tcp', '', '::1', 28_964), `a ${a.gateway6}`);
    assert.notEqual((await attach('b')).ip6, a.ip6);
  });

  it('listens to nobody who gives itself out for a router, in containers and on bridges', async () => {
    const [a, plain] = [await attach('a'), await attach('plain', 'default')];
    await service.connect('plain', 'aside');
    const read = async (netns: string, name: string): Promise<string> => (await run('nsenter', [`--net=${netns}`, 'sh', '-c', 'cat "/proc/sys/net/ipv6/conf/$1"', 'sh', name])).stdout.trim();
    assert.deepEqual(await Promise.all([read(a.netnsPath, 'eth0/accept_ra'), read(plain.netnsPath, 'eth0/accept_ra'), read(plain.netnsPath, 'eth1/accept_ra')]), ['0', '0', '0']);
    const host = '/proc/self/ns/net';
    assert.deepEqual([await read(host, `${service.catalog.inspect('six').record.bridge}/accept_ra`), await read(host, `br-${instance}/disable_ipv6`)], ['0', '1']);
  });

  it('moves the way out and the published ports to another network when a container leaves its first one', async () => {
    const a = await attach('a');
    await serve(a.netnsPath, 80, 'a');
    await service.connect('a', 'aside');
    await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 28_965 }]);
    await service.disconnect('a', 'six');
    assert.deepEqual(service.endpoints('a').map(({ networkName, gateway6 }) => [networkName, gateway6]), [['aside', 'fd77:232::fe']]);
    assert.equal(await ask('tcp', OUTSIDE, HOST, 28_965), 'a fd77:231::2');
    assert.equal(await ask('tcp', a.netnsPath, 'fd77:231::2', 7000), `outside ${HOST}`);
  });

  it('keeps an internal network in, and lets its containers out through a further one', async () => {
    await service.catalog.create({ name: 'shut', ipv6: true, internal: true });
    const a = await attach('a', 'shut');
    assert.equal(a.gateway6, '');
    assert.match(await ask('tcp', a.netnsPath, 'fd77:231::2', 7000), /ENETUNREACH|timeout/);
    await service.connect('a', 'six');
    assert.equal(await ask('tcp', a.netnsPath, 'fd77:231::2', 7000), `outside ${HOST}`);
    assert.deepEqual(service.endpoints('a').map(({ networkName }) => networkName), ['six', 'shut'], 'the way out comes first');
    await service.release('a');
    await service.settled();
    await service.catalog.remove('shut');
  });
});
