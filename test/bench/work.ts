import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../../engine/host/process.ts';
import type { BenchClient } from './client.ts';
import { IMAGE } from './image.ts';
import type { Peer } from './peer.ts';

const BUNDLE = join(resolve(import.meta.dirname, '../..'), 'dist', 'berth.cjs');
/** The client of the same package as dockerd: newer ones want a plugin for BuildKit. */
const DOCKER = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';

/** The work that is measured, as requests to an engine. Each returns what it took in milliseconds. */

interface Created {
  readonly Id: string;
}

/** The default bridge network. Podman would give containers more open files and processes than the hard limits here may allow, and then fail. */
function hostConfig({ name }: BenchClient): object {
  const limit = (Name: string): object => ({ Name, Soft: 4096, Hard: 4096 });
  return { NetworkMode: 'default', ...(name === 'Podman' ? { Ulimits: [limit('nofile'), limit('nproc')] } : {}) };
}

/** Create, start and wait for `true` on the default bridge network. Removal is not part of the figure. */
export async function runTrue(client: BenchClient): Promise<number> {
  const begin = performance.now();
  const { Id } = await client.json<Created>('POST', '/containers/create', { json: { Image: IMAGE, Cmd: ['true'], HostConfig: hostConfig(client) } });
  const wait = (condition: string): Promise<{ StatusCode: number }> => client.json('POST', `/containers/${Id}/wait?condition=${condition}`);
  // Podman looks now and then what a container does, and misses an end that is quicker: it is asked once the container has been started.
  const [{ StatusCode }] = client.name === 'Podman' ? [await client.call('POST', `/containers/${Id}/start`).then(() => wait('not-running'))] : await Promise.all([wait('next-exit'), client.call('POST', `/containers/${Id}/start`)]);
  const took = performance.now() - begin;
  await client.call('DELETE', `/containers/${Id}?force=1&v=1`);
  if (StatusCode !== 0) throw new Error(`${client.name}: true ended with ${StatusCode}`);
  return took;
}

/** A container that stays. */
export async function startSleeper(client: BenchClient): Promise<string> {
  const { Id } = await client.json<Created>('POST', '/containers/create', { json: { Image: IMAGE, Cmd: ['sleep', 'infinity'], HostConfig: hostConfig(client) } });
  await client.call('POST', `/containers/${Id}/start`);
  return Id;
}

export async function removeContainer(client: BenchClient, id: string): Promise<void> {
  await client.call('DELETE', `/containers/${id}?force=1&v=1`, { ok: [404] });
}

/** Exec `true` in a running container, its output followed to the end and its status asked for, as `docker exec` does. */
export async function execTrue(client: BenchClient, container: string): Promise<number> {
  const begin = performance.now();
  const { Id } = await client.json<Created>('POST', `/containers/${container}/exec`, { json: { Cmd: ['true'], AttachStdout: true, AttachStderr: true } });
  await client.call('POST', `/exec/${Id}/start`, { json: { Detach: false, Tty: false } });
  const { ExitCode } = await client.json<{ ExitCode: number }>('GET', `/exec/${Id}/json`);
  const took = performance.now() - begin;
  if (ExitCode !== 0) throw new Error(`${client.name}: exec true ended with ${ExitCode}`);
  return took;
}

/** A build to its end. Docker uses BuildKit (`version=2`), which builds stages in parallel too; Berth has one builder, behind the classic protocol. */
export async function build(client: BenchClient, context: Buffer, tag: string, noCache: boolean): Promise<number> {
  const begin = performance.now();
  const answer = await client.call('POST', `/build?${client.name === 'Docker' ? 'version=2&' : ''}rm=1&t=${tag}${noCache ? '&nocache=1' : ''}`, { body: context, contentType: 'application/x-tar' });
  const took = performance.now() - begin;
  const problem = answer.toString().split('\n').find((line) => line.includes('"errorDetail"'));
  if (problem !== undefined) throw new Error(`${client.name}: build failed: ${problem}`);
  return took;
}

/** A build of a folder by the command that people type: `berth build`, `docker build` (BuildKit). Milliseconds from its start to its end. */
export async function buildFolder(peer: Peer, folder: string, tag: string, noCache = false): Promise<number> {
  const { env, socketPath, program, name } = peer.spec;
  const flags = ['build', '-q', ...(noCache ? ['--no-cache'] : []), '-t', tag, folder];
  const begin = performance.now();
  if (name === 'Docker') await run(DOCKER, flags, { env: { ...env, DOCKER_HOST: `unix://${socketPath}`, DOCKER_BUILDKIT: '1' } });
  else await run(program, [BUNDLE, ...flags], { env });
  const took = performance.now() - begin;
  if (noCache) await removeImage(peer.client, tag);
  return took;
}

export async function removeImage(client: BenchClient, tag: string): Promise<void> {
  await client.call('DELETE', `/images/${tag}?force=1`, { ok: [404] });
}

/** Bytes that `writeLog` has a container write. */
export const LOG_BYTES = 50 * 1024 * 1024;

/** 50 MiB of lines, as fast as a program writes them, followed to the end and then read back; throws when a byte is missing. */
export async function writeLog(client: BenchClient): Promise<number> {
  const begin = performance.now();
  const { Id } = await client.json<Created>('POST', '/containers/create', { json: { Image: IMAGE, Cmd: ['sh', '-c', `yes ${'x'.repeat(99)} | head -c ${LOG_BYTES}`], HostConfig: { NetworkMode: 'none' } } });
  try {
    await client.call('POST', `/containers/${Id}/start`);
    for (const follow of [1, 0]) {
      const bytes = await payloadOf(await client.open('GET', `/containers/${Id}/logs?stdout=1&stderr=1&follow=${follow}`));
      if (bytes !== LOG_BYTES) throw new Error(`${client.name}: of ${LOG_BYTES} bytes of log ${bytes} came`);
    }
    return performance.now() - begin;
  } finally {
    await removeContainer(client, Id);
  }
}

/** Bytes in the frames of a log, without their heads. */
async function payloadOf(stream: AsyncIterable<Buffer>): Promise<number> {
  let payload = 0;
  let left = 0;
  let head = Buffer.alloc(0);
  for await (let chunk of stream) {
    while (chunk.length > 0) {
      if (left === 0) {
        const missing = 8 - head.length;
        head = Buffer.concat([head, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (head.length < 8) break;
        left = head.readUInt32BE(4);
        head = Buffer.alloc(0);
      }
      const taken = Math.min(left, chunk.length);
      payload += taken;
      left -= taken;
      chunk = chunk.subarray(taken);
    }
  }
  return payload;
}

/** `rm -f` of `count` running containers, one after the other, as `docker rm -f a b c …` does. */
export async function removeMany(client: BenchClient, count: number): Promise<number> {
  const ids = await Promise.all(Array.from({ length: count }, () => startSleeper(client)));
  const begin = performance.now();
  for (const id of ids) await client.call('DELETE', `/containers/${id}?force=1&v=1`);
  return performance.now() - begin;
}

/** What moves bytes: a perl that Debian's minimal system has, in blocks so large that the kernel's work is what is measured. */
const BLOCK = 'use IO::Socket::INET; use Time::HiRes "time"; $SIG{PIPE} = "IGNORE"; my $b = "x" x 262144;';
const RECEIVE = `${BLOCK} my $s = IO::Socket::INET->new(LocalPort => 5201, Listen => 5, ReuseAddr => 1) or die $!; while (my $c = $s->accept) { 1 while sysread $c, $b, 262144; syswrite $c, "got"; close $c }`;
const SEND = `${BLOCK} my $c; for (1 .. 200) { last if $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 5201); select undef, undef, undef, 0.02 } $c or die $!; my $t = time; for (1 .. $ARGV[1] / 262144) { my $o = 0; while ($o < 262144) { my $n = syswrite $c, $b, 262144 - $o, $o; defined $n or die $!; $o += $n } } shutdown $c, 1; sysread $c, $b, 3; printf "took %.3f", (time - $t) * 1000`;

/** A container that takes whatever is sent to it, and its address on the default bridge network. */
export async function startReceiver(client: BenchClient): Promise<{ readonly id: string; readonly address: string }> {
  const { Id } = await client.json<Created>('POST', '/containers/create', { json: { Image: IMAGE, Cmd: ['perl', '-e', RECEIVE], HostConfig: hostConfig(client) } });
  await client.call('POST', `/containers/${Id}/start`);
  const { NetworkSettings } = await client.json<{ NetworkSettings: { Networks: { bridge: { IPAddress: string } } } }>('GET', `/containers/${Id}/json`);
  return { id: Id, address: NetworkSettings.Networks.bridge.IPAddress };
}

/** Sends so many bytes by one TCP connection from inside a container; the time from the first to the receiver's word that it has the last. */
export async function sendBytes(client: BenchClient, container: string, address: string, bytes: number): Promise<number> {
  const { Id } = await client.json<Created>('POST', `/containers/${container}/exec`, { json: { Cmd: ['perl', '-e', SEND, address, String(bytes)], AttachStdout: true, AttachStderr: true, Tty: true } });
  const said = (await client.call('POST', `/exec/${Id}/start`, { json: { Detach: false, Tty: true } })).toString();
  const took = /took ([\d.]+)/.exec(said)?.[1];
  if (took === undefined) throw new Error(`${client.name}: sending failed: ${said}`);
  return Number(took);
}
