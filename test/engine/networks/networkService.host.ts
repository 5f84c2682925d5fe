import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBus } from '../../../engine/base/eventBus.ts';
import { silentLog } from '../../../engine/base/log.ts';
import { run, start } from '../../../engine/host/process.ts';
import { NetworkService } from '../../../engine/networks/networkService.ts';
import type { Endpoint } from '../../../engine/networks/networkService.ts';
import { leftovers } from '../../support/leftovers.ts';
import { ask, endChild, serveIn } from '../../support/netnsServer.ts';
import { removeTestRoot, testRoot } from '../../support/testRoots.ts';

const instance = 'rdtnet';
const OUTSIDE = '/run/netns/berthtest-outside';

describe('NetworkService on this host', () => {
  let root: string;
  let service: NetworkService;
  const children: ChildProcess[] = [];
  const open = (): NetworkService => new NetworkService({ config: { dataRoot: join(root, 'data'), runRoot: join(root, 'run'), socketPath: '', instance, idleSeconds: 0 }, log: silentLog, events: new EventBus() });
  const attach = (id: string): Promise<Endpoint> => service.attach(id, { network: 'default', hostname: id });
  const serve = async (endpoint: Endpoint, port: number, word: string): Promise<void> => void children.push(await serveIn(endpoint.netnsPath, port, word));

  before(async () => {
    root = await testRoot(tmpdir(), 'net', { instance });
    service = open();
    await service.prepare();
    await service.settled();
    // "Outside": a machine beside the host on a link of its own.
    await run('ip', ['-batch', '-'], { input: 'netns add berthtest-outside\nlink add bto0 type veth peer name eth0 netns berthtest-outside\naddr add 10.231.77.1/30 dev bto0\nlink set bto0 up\n' });
    await run('ip', ['-n', 'berthtest-outside', '-batch', '-'], { input: 'link set lo up\naddr add 10.231.77.2/30 dev eth0\nlink set eth0 up\nroute add default via 10.231.77.1\n' });
  });

  after(async () => {
    await Promise.all(children.map(endChild));
    await service.teardown();
    await run('ip', ['netns', 'del', 'berthtest-outside']);
    const left = await leftovers(root, instance);
    await removeTestRoot(root);
    assert.deepEqual(left, []);
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map(endChild));
    await service.reconcile([]);
    await service.settled();
  });

  it('gives each container an address from which it reaches the other', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    assert.notEqual(a.ip, b.ip);
    assert.equal(a.mac, `02:42:${a.ip.split('.').map((part) => Number(part).toString(16).padStart(2, '0')).join(':')}`);
    await serve(b, 80, 'b');
    assert.equal(await ask('tcp', a.netnsPath, b.ip, 80), `b ${a.ip}`);
    assert.equal(await ask('udp', a.netnsPath, b.ip, 80), `b ${a.ip}`);
  });

  it('hands out a ready namespace without waiting for the kernel', async () => {
    const began = performance.now();
    await attach('quick');
    assert.ok(performance.now() - began < 20, `attach took ${performance.now() - began} ms`);
  });

  it('lets containers out through the host’s address, and nobody in', async () => {
    const a = await attach('a');
    children.push(await serveIn(OUTSIDE, 7000, 'outside'));
    await serve(a, 80, 'a');
    assert.equal(await ask('tcp', a.netnsPath, '10.231.77.2', 7000), 'outside 10.231.77.1');
    assert.equal(await ask('tcp', OUTSIDE, a.ip, 80), 'timeout', 'an unpublished port is not reachable from another machine');
  });

  it('publishes TCP and UDP ports to loopback, to the host’s addresses, to IPv6 loopback, to the outside and to the container itself', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    await serve(a, 80, 'a');
    const [tcp, tcp6, udp] = await service.publish('a', a, [
      { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 },
      { containerPort: 80, protocol: 'udp', hostIp: '0.0.0.0', hostPort: 0 },
    ]);
    assert.ok(tcp && tcp6 && udp && tcp.hostPort >= 32768 && tcp.hostPort <= 60999);
    assert.equal(tcp6.hostIp, '::');
    assert.equal(await ask('tcp', '', '127.0.0.1', tcp.hostPort), `a ${a.gateway}`);
    assert.equal(await ask('udp', '', '127.0.0.1', udp.hostPort), `a ${a.gateway}`);
    assert.equal(await ask('tcp', '', a.gateway, tcp.hostPort), `a ${a.gateway}`);
    assert.equal(await ask('tcp', '', '::1', tcp.hostPort), `a ${a.gateway}`);
    assert.equal(await ask('tcp', OUTSIDE, '10.231.77.1', tcp.hostPort), 'a 10.231.77.2', 'the container sees who asks');
    assert.equal(await ask('udp', OUTSIDE, '10.231.77.1', udp.hostPort), 'a 10.231.77.2');
    assert.match(await ask('tcp', b.netnsPath, b.gateway, tcp.hostPort), /^a /, 'a neighbour, by the host’s port');
    assert.match(await ask('tcp', a.netnsPath, a.gateway, tcp.hostPort), /^a /, 'the container itself, by the host’s port');
  });

  it('keeps what is published on 127.0.0.1 from neighbours and containers', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    await serve(a, 80, 'a');
    const [port] = await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 0 }]);
    assert.ok(port);
    assert.equal(await ask('tcp', '', '127.0.0.1', port.hostPort), `a ${a.gateway}`);
    assert.notEqual((await ask('tcp', OUTSIDE, '10.231.77.1', port.hostPort)).slice(0, 2), 'a ');
    assert.notEqual((await ask('tcp', b.netnsPath, b.gateway, port.hostPort)).slice(0, 2), 'a ');
  });

  it('refuses a port that a process or another container has, and keeps nothing of the attempt', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }, { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: address.port }]), {
      code: 'PORT_IN_USE',
      status: 500,
      message: new RegExp(`driver failed programming external connectivity .*Bind for 0\\.0\\.0\\.0:${address.port} failed: port is already allocated`),
    });
    assert.deepEqual(service.publishedPorts('a'), []);
    server.close();
    const [port] = await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
    assert.ok(port);
    await assert.rejects(service.publish('b', b, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: port.hostPort }]), { code: 'PORT_IN_USE' });
    await service.release('a');
    assert.equal((await service.publish('b', b, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: port.hostPort }]))[0]?.hostPort, port.hostPort);
  });

  it('leaves nothing of a released container, also when released twice', async () => {
    const a = await attach('a');
    const [port] = await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
    await service.release('a');
    await service.release('a');
    await service.settled();
    const name = a.netnsPath.split('/').at(-1) ?? '';
    assert.ok(!(await run('ip', ['netns'])).stdout.includes(name));
    assert.ok(!(await run('ip', ['link'])).stdout.includes(name.slice(-10)));
    assert.ok(!(await run('nft', ['list', 'table', 'inet', `berth-${instance}`])).stdout.includes(String(port?.hostPort)));
  });

  it('gives host mode no namespace and none a namespace with only loopback', async () => {
    assert.equal((await service.attach('h', { network: 'host', hostname: 'h' })).netnsPath, '');
    const none = await service.attach('n', { network: 'none', hostname: 'n' });
    const links = JSON.parse((await run('nsenter', [`--net=${none.netnsPath}`, 'ip', '-j', 'link'])).stdout) as Array<{ ifname: string }>;
    assert.deepEqual(links.map(({ ifname }) => ifname), ['lo']);
  });

  it('after a kill keeps the network of live containers and removes everything else', async () => {
    const script = `
      import { NetworkService } from '${join(import.meta.dirname, '../../../engine/networks/networkService.ts')}';
      import { EventBus } from '${join(import.meta.dirname, '../../../engine/base/eventBus.ts')}';
      import { silentLog } from '${join(import.meta.dirname, '../../../engine/base/log.ts')}';
      const s = new NetworkService({ config: { dataRoot: '${join(root, 'data')}', runRoot: '${join(root, 'run')}', socketPath: '', instance: '${instance}', idleSeconds: 0 }, log: silentLog, events: new EventBus() });
      await s.prepare();
      const alive = await s.attach('alive', { network: 'default', hostname: 'alive' });
      const [port] = await s.publish('alive', alive, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
      await s.publish('dead', await s.attach('dead', { network: 'default', hostname: 'dead' }), [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
      console.log(JSON.stringify({ alive, port: port.hostPort }));
      setInterval(() => undefined, 1000);`;
    await service.close();
    const engine = start(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await new Promise<string>((resolve) => engine.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    const { alive, port } = JSON.parse(said) as { alive: Endpoint; port: number };
    await serve(alive, 80, 'alive');
    await endChild(engine);
    assert.equal(await ask('tcp', '', '127.0.0.1', port), `alive ${alive.gateway}`, 'published ports outlive the engine');

    service = open();
    await service.prepare();
    await service.reconcile(['alive']);
    await service.settled();
    assert.equal(await ask('tcp', '', '127.0.0.1', port), `alive ${alive.gateway}`);
    assert.deepEqual(service.endpoints('alive'), [alive]);
    assert.equal(service.publishedPorts('alive')[0]?.hostPort, port);
    assert.deepEqual(service.endpoints('dead'), []);
    const names = (await run('ip', ['netns'])).stdout.split('\n').filter((line) => line.startsWith(`berth-${instance}-`));
    assert.equal(names.length, 5, 'the live container’s and four ready ones');
    const other = await service.attach('other', { network: 'default', hostname: 'other' });
    assert.notEqual(other.ip, alive.ip);
    await assert.rejects(service.publish('other', other, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: port }]), { code: 'PORT_IN_USE' });
  });

  it('keeps user-defined networks apart, and connects a running container to a second one', async () => {
    const record = await service.catalog.create({ name: 'apart', subnets: [{ subnet: '10.199.8.0/24' }] });
    const [a, b] = [await attach('a'), await service.attach('b', { network: 'apart', hostname: 'b' })];
    assert.match(b.ip, /^10\.199\.8\./);
    await serve(b, 80, 'b');
    assert.equal(await ask('tcp', a.netnsPath, b.ip, 80), 'timeout');
    await run('nsenter', [`--net=${a.netnsPath}`, 'ip', 'route', 'add', '10.199.8.0/24', 'dev', 'eth0']);
    assert.match(await ask('tcp', a.netnsPath, b.ip, 80), /timeout|EHOSTUNREACH/, 'nobody says where it is');
    const neighbours = async (address: string): Promise<string> => (await run('nsenter', [`--net=${a.netnsPath}`, 'ip', 'neigh', 'show', 'to', address])).stdout;
    await ask('tcp', a.netnsPath, b.gateway, 1);
    assert.doesNotMatch(await neighbours(b.gateway), /lladdr/, 'not even the host for its own address there');
    await run('nsenter', [`--net=${a.netnsPath}`, 'ip', 'route', 'del', '10.199.8.0/24', 'dev', 'eth0']);
    await service.connect('a', 'apart');
    assert.match(await ask('tcp', a.netnsPath, b.ip, 80), /^b 10\.199\.8\./);
    await assert.rejects(service.catalog.remove('apart'), { code: 'NETWORK_IN_USE' });
    await service.disconnect('a', 'apart');
    assert.equal(await ask('tcp', a.netnsPath, b.ip, 80), 'timeout');
    await service.release('b');
    await service.settled();
    await service.catalog.remove('apart');
    assert.ok(!(await run('ip', ['link'])).stdout.includes(record.bridge));
    await assert.rejects(service.catalog.create({ name: 'clash', subnets: [{ subnet: `${a.gateway.split('.').slice(0, 2).join('.')}.0.0/16` }] }), { code: 'SUBNET_TAKEN' });
  });

  it('leads a container out through another network when it leaves its first one', async () => {
    await service.catalog.create({ name: 'other', subnets: [{ subnet: '10.199.9.0/24' }] });
    const a = await attach('a');
    await service.connect('a', 'other');
    await service.disconnect('a', 'bridge');
    assert.match((await run('nsenter', [`--net=${a.netnsPath}`, 'ip', 'route'])).stdout, /^default via 10\.199\.9\.1 /m);
    assert.deepEqual(service.endpoints('a').map(({ networkName, gateway }) => [networkName, gateway]), [['other', '10.199.9.1']]);
    await service.release('a');
    await service.settled();
    await service.catalog.remove('other');
  });

  it('keeps a bridge’s own address when the containers in it go, so that the others find their gateway', async () => {
    const address = async (): Promise<string> => /link\/ether (\S+)/.exec((await run('ip', ['link', 'show', 'dev', `br-${instance}`])).stdout)?.[1] ?? '';
    const before = await address();
    for (let round = 0; round < 3; round += 1) {
      await attach('a');
      await service.release('a');
      await service.settled();
    }
    assert.match(before, /^02:42:/);
    assert.equal(await address(), before);
  });

  it('writes its table again when someone flushed the host’s rules', async () => {
    const a = await attach('a');
    await serve(a, 80, 'a');
    await run('nft', ['delete', 'table', 'inet', `berth-${instance}`]);
    const [port] = await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
    assert.equal(await ask('tcp', '', '127.0.0.1', port?.hostPort ?? 0), `a ${a.gateway}`);
  });

  it('remembers its subnet', async () => {
    const saved = JSON.parse(await readFile(join(root, 'data/networks/bridge.json'), 'utf8')) as { subnet: string };
    assert.equal((await attach('a')).ip.split('.').slice(0, 2).join('.'), saved.subnet.split('.').slice(0, 2).join('.'));
  });
});
