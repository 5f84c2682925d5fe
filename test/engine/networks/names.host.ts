import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from 'dns-packet';
import { readFrames, writeFrame } from '../../../engine/networks/dns/frames.ts';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';

/** A resolver "outside", on an address of its own: it knows one name. */
const RESOLVER = '10.231.79.1';

function answerOutside(message: Buffer): Buffer {
  const query = decode(message);
  const [question] = query.questions ?? [];
  const known = question?.name === 'outside.example';
  const answers = known && question.type === 'A' ? [{ type: 'A' as const, name: question.name, ttl: 60, data: '192.0.2.7' }] : [];
  return encode({ type: 'response', id: query.id ?? 0, flags: 0x180 | (known ? 0 : 3), questions: query.questions ?? [], answers });
}

describe('names between containers on user-defined networks', () => {
  let engine: TestEngine;
  let folder: string | undefined;
  let udp: Socket;
  let tcp: Server;
  const inside = async (container: string, ...command: string[]): Promise<string> => (await engine.docker(['exec', container, ...command], { okStatus: 'any' })).stdout.trim();
  /** The addresses that a container's own resolver finds. */
  const lookUp = async (container: string, name: string): Promise<string[]> => [...new Set((await inside(container, 'getent', 'ahostsv4', name)).split('\n').flatMap((line) => /^[\d.]+/.exec(line)?.[0] ?? []))].sort();
  const addressOf = async (container: string, network: string): Promise<string> => (await engine.docker(['inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container])).stdout.trim();
  const start = (name: string, ...args: string[]): Promise<unknown> => engine.docker(['run', '-d', '--name', name, ...args, 'debian:bookworm', 'sleep', '1000']);

  before(async () => {
    await run('ip', ['-batch', '-'], { input: `link add prtouter type bridge\naddr add ${RESOLVER}/32 dev prtouter\nlink set prtouter up\n` });
    udp = createSocket('udp4', (message, from) => udp.send(answerOutside(message), from.port, from.address)).bind(53, RESOLVER);
    tcp = createServer((socket) => readFrames(socket, (message) => writeFrame(socket, answerOutside(message)))).listen(53, RESOLVER);
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    folder = await mkdtemp(join(tmpdir(), 'berth-prtdns-'));
    await writeFile(join(folder, 'resolv.conf'), `nameserver ${RESOLVER}\nsearch quay.example\n`);
    engine = await TestEngine.start({ instance: 'rddns', cover: { '/etc/resolv.conf': join(folder, 'resolv.conf') } });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    for (const network of ['front', 'back']) await engine.docker(['network', 'create', network]);
    await start('web', '--network', 'front');
    await start('one', '--network', 'front', '--network-alias', 'api', '--hostname', 'first');
    await start('two', '--network', 'front', '--network-alias', 'api');
    await start('aside', '--network', 'back');
    await start('plain');
  });

  after(async () => {
    try {
      await engine?.remove();
    } finally {
      udp?.close();
      tcp?.close();
      await run('ip', ['link', 'del', 'prtouter'], { okStatus: 'any' });
      if (folder) await rm(folder, { recursive: true, force: true });
    }
  });

  it('are found by name, alias, short id, hostname and address', async () => {
    const [one, two] = [await addressOf('one', 'front'), await addressOf('two', 'front')];
    const shortId = (await engine.docker(['inspect', '-f', '{{.Id}}', 'one'])).stdout.slice(0, 12);
    for (const name of ['one', 'ONE', 'first', shortId, 'one.front']) assert.deepEqual(await lookUp('web', name), [one], name);
    assert.deepEqual(await lookUp('web', 'api'), [one, two].sort());
    assert.match(await inside('web', 'getent', 'hosts', two), /two\.front/);
  });

  it('are not found across networks, nor on the default one', async () => {
    assert.deepEqual([await lookUp('web', 'aside'), await lookUp('aside', 'web'), await lookUp('plain', 'web')], [[], [], []]);
    assert.match(await inside('plain', 'cat', '/etc/resolv.conf'), new RegExp(`nameserver ${RESOLVER}`));
  });

  it('others are asked for outside, by the host’s resolver or by that of --dns', async () => {
    assert.deepEqual(await lookUp('web', 'outside.example'), ['192.0.2.7']);
    const perl = 'use IO::Socket::INET; my ($server) = `cat /etc/resolv.conf` =~ /nameserver (\\S+)/; my $s = IO::Socket::INET->new(PeerAddr => $server, PeerPort => 53) or die; my $q = pack("n6", 5, 256, 1, 0, 0, 0) . "\\x07outside\\x07example\\0" . pack("n2", 1, 1); print $s pack("n", length $q) . $q; $s->flush; read $s, my $size, 2; read $s, my $a, unpack("n", $size); print join(".", unpack("C4", substr $a, -4))';
    assert.equal(await inside('web', 'perl', '-e', perl), '192.0.2.7', 'by TCP');
    await start('elsewhere', '--network', 'front', '--dns', '10.231.79.9', '--dns-search', 'deck.example', '--dns-option', 'timeout:1');
    assert.deepEqual([await lookUp('elsewhere', 'outside.example'), await lookUp('elsewhere', 'one')], [[], [await addressOf('one', 'front')]]);
    const conf = await inside('elsewhere', 'cat', '/etc/resolv.conf');
    assert.match(conf, /^search deck\.example$/m);
    assert.match(conf, /^options timeout:1 ndots:0$/m);
    assert.doesNotMatch(conf, /10\.231\.79\.9/);
    await engine.docker(['rm', '-f', 'elsewhere']);
  });

  it('follow rename, restart, connect and disconnect', async () => {
    await engine.docker(['rename', 'two', 'second']);
    assert.deepEqual([await lookUp('web', 'two'), await lookUp('web', 'second')], [[], [await addressOf('second', 'front')]]);
    await engine.docker(['restart', '-t', '0', 'second']);
    assert.deepEqual(await lookUp('web', 'second'), [await addressOf('second', 'front')]);
    await engine.docker(['network', 'connect', '--alias', 'visitor', 'back', 'web']);
    assert.deepEqual(await lookUp('web', 'aside'), [await addressOf('aside', 'back')]);
    assert.deepEqual(await lookUp('aside', 'visitor'), [await addressOf('web', 'back')]);
    await engine.docker(['network', 'connect', 'back', 'plain']);
    assert.deepEqual(await lookUp('plain', 'aside'), [await addressOf('aside', 'back')], 'a container of the default network');
    for (const container of ['web', 'plain']) await engine.docker(['network', 'disconnect', 'back', container]);
    assert.deepEqual([await lookUp('web', 'aside'), await lookUp('aside', 'web')], [[], []]);
    assert.match(await inside('plain', 'cat', '/etc/resolv.conf'), new RegExp(`nameserver ${RESOLVER}`));
    await engine.docker(['stop', '-t', '0', 'second']);
    assert.deepEqual(await lookUp('web', 'second'), []);
  });

  it('a network without a way out asks nobody outside', async () => {
    await engine.docker(['network', 'create', '--internal', 'shut']);
    await start('in', '--network', 'shut');
    assert.deepEqual([await lookUp('in', 'outside.example'), await lookUp('in', 'in')], [[], [await addressOf('in', 'shut')]]);
    await engine.docker(['rm', '-f', 'in']);
    await engine.docker(['network', 'rm', 'shut']);
  });

  it('a port 53 can be published all the same', async () => {
    await engine.docker(['run', '-d', '--name', 'dns', '-p', '10.231.79.1:28753:53/udp', '-p', '127.0.0.1:28753:53', '--network', 'front', 'debian:bookworm', 'sleep', '1000']);
    assert.deepEqual(await lookUp('web', 'dns'), [await addressOf('dns', 'front')]);
    await engine.docker(['rm', '-f', 'dns']);
  });

  it('outside names go on while no engine runs, and all come back with the next', async () => {
    const pid = (await engine.docker(['inspect', '-f', '{{.State.Pid}}', 'web'])).stdout.trim();
    const direct = async (name: string): Promise<string> => (await run('nsenter', ['--net', '--mount', '--target', pid, 'getent', 'ahostsv4', name], { okStatus: 'any' })).stdout;
    const one = await addressOf('one', 'front');
    assert.match(await direct('one'), new RegExp(`^${one} `));
    await engine.kill();
    // Its sockets are closed a moment after the process has gone from /proc.
    for (const deadline = Date.now() + 15_000; !/^192\.0\.2\.7 /.test(await direct('outside.example')); ) assert.ok(Date.now() < deadline, 'outside names are not found');
    assert.equal(await direct('one'), '');
    await engine.startAgain();
    assert.match(await direct('one'), new RegExp(`^${one} `));
    assert.match(await direct('outside.example'), /^192\.0\.2\.7 /);
  });
});
