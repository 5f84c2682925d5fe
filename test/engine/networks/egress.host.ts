import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { decode, encode } from 'dns-packet';
import type { Answer } from 'dns-packet';
import type { Refusal } from '../../../engine/api/berth/network.ts';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine, bundle } from '../../support/engine.ts';
import { ask, endChild, serveIn } from '../../support/netnsServer.ts';
import { OrdinaryUser } from '../../support/ordinaryUser.ts';

const OUTSIDE = '/run/netns/berthtest-rdeg';
const HOST = '10.231.80.1';
const [GOOD, BAD, LISTED] = ['10.231.80.2', '10.231.80.3', '10.231.80.66'];
const [HOST6, GOOD6, BAD6] = ['fd77:80::1', 'fd77:80::2', 'fd77:80::3'];

/** The resolver of the host knows every one of these. */
const names: Readonly<Record<string, Answer[]>> = {
  'good.example': [{ type: 'CNAME', name: 'good.example', data: 'cdn.example.net', ttl: 300 }, { type: 'A', name: 'cdn.example.net', data: GOOD, ttl: 600 }],
  'six.good.example': [{ type: 'AAAA', name: 'six.good.example', data: GOOD6, ttl: 600 }],
  'bad.example': [{ type: 'A', name: 'bad.example', data: BAD, ttl: 600 }],
  'inside.good.example': [{ type: 'A', name: 'inside.good.example', data: '169.254.169.254', ttl: 600 }],
};

function answerOutside(message: Buffer, asked: string[]): Buffer {
  const query = decode(message);
  const [question] = query.questions ?? [];
  asked.push(question?.name ?? '');
  const known = names[question?.name ?? ''];
  const answers = (known ?? []).filter(({ type }) => type === 'CNAME' || type === question?.type);
  return encode({ type: 'response', id: query.id ?? 0, flags: 0x180 | (known ? 0 : 3), questions: query.questions ?? [], answers: answers.some(({ type }) => type !== 'CNAME') ? answers : [] });
}

for (const rootless of [false, true]) describe(`an allow-list of what a network reaches${rootless ? ', without root' : ''}`, () => {
  const instance = rootless ? 'rdegrusr' : 'rdegress';
  let engine: TestEngine;
  let user: OrdinaryUser | undefined;
  let resolver: Socket;
  const asked: string[] = [];
  const children: ChildProcess[] = [];
  const inside = async (container: string, ...command: string[]): Promise<string> => {
    const { stdout, stderr } = await engine.docker(['exec', container, ...command], { okStatus: 'any' });
    return `${stdout}${stderr}`.trim();
  };
  const tcp = (container: string, host: string, port = 7000): Promise<string> => inside(container, 'timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${host}/${port} && cat <&3`);
  const found = (container: string, name: string): Promise<string> => inside(container, 'getent', 'ahosts', name);
  const table = async (): Promise<string> => (await run('nsenter', [`--net=/proc/${await engine.pid()}/ns/net`, 'nft', 'list', 'table', 'inet', `berth-${instance}`])).stdout;
  const refused = async (): Promise<Refusal[]> => (await engine.berth(['network', 'logs', '--json', 'box'])).stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Refusal);

  before(async () => {
    await run('ip', ['-batch', '-'], { input: `netns add berthtest-rdeg\nlink add rdego type veth peer name eth0 netns berthtest-rdeg\naddr add ${HOST}/24 dev rdego\naddr add ${HOST6}/64 dev rdego nodad\nlink set rdego up\n` });
    await run('ip', ['-n', 'berthtest-rdeg', '-batch', '-'], { input: ['link set lo up', ...[GOOD, BAD, LISTED].map((address) => `addr add ${address}/24 dev eth0`), ...[GOOD6, BAD6].map((address) => `addr add ${address}/64 dev eth0 nodad`), 'link set eth0 up', ''].join('\n') });
    children.push(await serveIn(OUTSIDE, 7000, 'outside'), await serveIn('', 27_801, 'host'));
    resolver = createSocket('udp4', (message, from) => resolver.send(answerOutside(message, asked), from.port, from.address)).bind(53, HOST);
    await once(resolver, 'listening');
    user = rootless ? await OrdinaryUser.create(instance, { bundle, subIds: true }) : undefined;
    engine = await TestEngine.start({ instance, ...(user ? { user } : {}) });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['network', 'create', '--ipv6', '--opt', 'egress=allow:good.example,*.good.example,10.231.80.64/26', 'box']);
    for (const name of ['one', 'two']) await engine.docker(['run', '-d', '--name', name, '--network', 'box', '--dns', HOST, ...(name === 'two' ? ['-p', '27800:80'] : []), 'debian:bookworm', 'sleep', '1000']);
  });

  after(async () => {
    try {
      await engine?.remove();
    } finally {
      await Promise.all(children.map(endChild));
      resolver?.close();
      await run('ip', ['-force', '-batch', '-'], { input: 'link del rdego\nnetns del berthtest-rdeg\n', okStatus: 'any' });
      await user?.remove();
    }
  });

  it('is checked when the network is made', async () => {
    for (const [value, says] of [['deny:x', 'begins with'], ['allow:10.0.0.0/99', 'is not an address'], ['allow:no_spaces here', 'neither a name']] as const) {
      const made = await engine.docker(['network', 'create', '--opt', `egress=${value}`, 'wrong'], { okStatus: 'any' });
      assert.match(made.stderr, new RegExp(says));
    }
    assert.match((await engine.berth(['network', 'create', '--internal', '-o', 'egress=allow:', 'wrong'], { okStatus: 'any' })).stderr, /EGRESS_INVALID/);
  });

  it('lets the names on it be found and reached, as long as their answers say', async () => {
    assert.match(await tcp('one', GOOD), /Connection refused/, 'nobody has asked for its name yet');
    assert.match(await found('one', 'good.example'), new RegExp(`^${GOOD} `));
    assert.match(await tcp('one', GOOD), /^outside /);
    assert.match(await tcp('two', GOOD), /^outside /, 'the list is the network’s');
    assert.match(await table(), new RegExp(`set named4_[^}]*${GOOD.replaceAll('.', '\\.')} timeout 10m expires 9m`));
    assert.match(await found('one', 'six.good.example'), new RegExp(`^${GOOD6} `));
    assert.match(await table(), new RegExp(`set named6_[^}]*${GOOD6} timeout 10m`));
    assert.match(await tcp('one', GOOD6), /^outside /);
  });

  it('lets its networks be reached, and containers of the same network', async () => {
    assert.match(await tcp('one', LISTED), /^outside /);
    const address = (await engine.docker(['inspect', '-f', '{{.NetworkSettings.Networks.box.IPAddress}}', 'two'])).stdout.trim();
    const pid = (await engine.docker(['inspect', '-f', '{{.State.Pid}}', 'two'])).stdout.trim();
    children.push(await serveIn(`/proc/${pid}/ns/net`, 80, 'two'));
    assert.match(await tcp('one', 'two', 80), /^two /);
    assert.match(await tcp('one', address, 80), /^two /);
    assert.match(await ask('tcp', OUTSIDE, HOST, 27_800), /^two /, 'published ports are reached from outside, and answered');
  });

  it('refuses everything else at once: names, addresses, the host, other resolvers', async () => {
    assert.equal(await found('one', 'bad.example'), '');
    assert.ok(!asked.includes('bad.example'), 'nobody outside hears of the name');
    assert.match(await tcp('one', BAD), /Connection refused/);
    assert.match(await tcp('one', BAD6), /Connection refused/);
    assert.match(await tcp('one', HOST, 27_801), /Connection refused/, 'what the host itself offers');
    const gateway = (await engine.docker(['network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'box'])).stdout.trim();
    assert.match(await tcp('one', gateway, 27_801), /Connection refused/);
    const perl = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => shift, PeerPort => 53, Proto => "udp") or die; my $q = pack("n6", 5, 256, 1, 0, 0, 0) . "\\x03bad\\x07example\\0" . pack("n2", 1, 1); alarm 5; defined send($s, $q, 0) && defined recv($s, my $a, 512, 0) ? print "answered" : print "refused: $!"';
    assert.match(await inside('one', 'perl', '-e', perl, HOST), /^refused: (No route|Permission|Connection|Operation)/);
    assert.equal(await found('one', 'inside.good.example'), '169.254.169.254 STREAM inside.good.example\n169.254.169.254 DGRAM  \n169.254.169.254 RAW'.trim());
    assert.match(await tcp('one', '169.254.169.254', 80), /refused/, 'a name opens no address of the host’s link');
  });

  it('tells what was refused, whom, and how often', async () => {
    await tcp('two', BAD, 443);
    await tcp('two', BAD, 443);
    const all = await refused();
    const has = (want: Partial<Refusal>): boolean => all.some((one) => Object.entries(want).every(([key, value]) => one[key as keyof Refusal] === value));
    assert.ok(has({ container: 'one', kind: 'name', destination: 'bad.example' }));
    assert.ok(has({ container: 'one', kind: 'connection', destination: BAD, protocol: 'tcp', port: 7000 }));
    assert.ok(has({ container: 'one', destination: BAD6, protocol: 'tcp', port: 7000 }));
    assert.ok(has({ container: 'one', destination: HOST, protocol: 'udp', port: 53 }));
    assert.equal(all.filter(({ container, destination, port }) => container === 'two' && destination === BAD && port === 443).reduce((sum, { count }) => sum + count, 0), 2);
    assert.ok(!all.some(({ destination }) => destination === LISTED));
    assert.match((await engine.berth(['network', 'logs', 'box'])).stdout, new RegExp(`one: refused tcp to ${BAD.replaceAll('.', '\\.')}:7000$`, 'm'));
    const events = (await engine.berth(['events', '--since', '1h', '--until', '0s', '--filter', 'type=network', '--filter', 'event=refuse', '--format', '{{.Actor.Attributes.containerName}} {{.Actor.Attributes.destination}}'])).stdout;
    assert.match(events, new RegExp(`^two ${BAD.replaceAll('.', '\\.')}$`, 'm'));
  });

  it('comes back when somebody flushes the host’s rules', async () => {
    await run('nsenter', [`--net=/proc/${await engine.pid()}/ns/net`, 'nft', 'delete', 'table', 'inet', `berth-${instance}`]);
    for (const end = Date.now() + 20_000; !/Connection refused/.test(await tcp('one', BAD)); await delay(50)) assert.ok(Date.now() < end, 'the rules are not written again');
    assert.match(await tcp('one', GOOD), /^outside /, 'with what names had led to');
  });

  it('is not passed by a container that is in an internal network too, and a further network without a list opens the way', async () => {
    await engine.docker(['network', 'create', '--internal', 'shut']);
    await engine.docker(['network', 'connect', 'shut', 'one']);
    assert.equal(await found('one', 'bad.example'), '');
    assert.match(await tcp('one', BAD), /Connection refused/);
    await engine.docker(['network', 'create', 'open']);
    await engine.docker(['network', 'connect', 'open', 'two']);
    await engine.docker(['network', 'disconnect', 'box', 'two']);
    assert.match(await found('two', 'bad.example'), new RegExp(`^${BAD} `));
    assert.match(await tcp('two', BAD), /^outside /);
  });

  it('holds while no engine runs, and with the next one, which tells of what was refused meanwhile', async () => {
    const pid = (await engine.docker(['inspect', '-f', '{{.State.Pid}}', 'one'])).stdout.trim();
    const netns = `/proc/${pid}/ns/net`;
    asked.length = 0;
    await engine.kill();
    assert.match(await ask('tcp', netns, LISTED, 7000), /^outside /);
    assert.match(await ask('tcp', netns, GOOD, 7000), /^outside /, 'what a name led to before');
    assert.equal(await ask('tcp', netns, BAD, 7001), 'ECONNREFUSED');
    const lookUp = async (name: string): Promise<string> => (await run('nsenter', ['--net', '--mount', '--target', pid, 'getent', 'ahostsv4', name], { okStatus: 'any' })).stdout;
    assert.equal(await lookUp('bad.example'), '', 'nobody answers for names, and nobody else is asked');
    assert.ok(!asked.includes('bad.example'));
    await engine.startAgain();
    assert.match(await ask('tcp', netns, GOOD, 7000), /^outside /);
    assert.ok((await refused()).some(({ container, destination, port, count }) => container === 'one' && destination === BAD && port === 7001 && count === 1));
    assert.match(await found('one', 'good.example'), new RegExp(`^${GOOD} `));
    assert.equal(await found('one', 'bad.example'), '');
  });

  it('goes with its network', async () => {
    await engine.docker(['rm', '-f', 'one', 'two']);
    for (const end = Date.now() + 10_000; (await engine.docker(['network', 'rm', 'box', 'shut', 'open'], { okStatus: 'any' })).status !== 0; await delay(50)) assert.ok(Date.now() < end);
    assert.ok(!/refused|named4|allow4/.test(await table()));
    assert.match((await engine.berth(['network', 'logs', 'box'], { okStatus: 'any' })).stderr, /NO_SUCH_NETWORK/);
  });
});
