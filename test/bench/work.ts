import type { BenchClient } from './client.ts';
import { IMAGE } from './image.ts';

/** The work that is measured, as requests to an engine. Each returns what it took in milliseconds. */

interface Created {
  readonly Id: string;
}

/** Create, start and wait for `true` on the default bridge network. Removal is not part of the figure. */
export async function runTrue(client: BenchClient): Promise<number> {
  const begin = performance.now();
  const { Id } = await client.json<Created>('POST', '/containers/create', { json: { Image: IMAGE, Cmd: ['true'], HostConfig: { NetworkMode: 'default' } } });
  const waiting = client.json<{ StatusCode: number }>('POST', `/containers/${Id}/wait?condition=next-exit`);
  await client.call('POST', `/containers/${Id}/start`);
  const { StatusCode } = await waiting;
  const took = performance.now() - begin;
  await client.call('DELETE', `/containers/${Id}?force=1&v=1`);
  if (StatusCode !== 0) throw new Error(`${client.name}: true ended with ${StatusCode}`);
  return took;
}

/** A container that stays. */
export async function startSleeper(client: BenchClient): Promise<string> {
  const { Id } = await client.json<Created>('POST', '/containers/create', { json: { Image: IMAGE, Cmd: ['sleep', 'infinity'], HostConfig: { NetworkMode: 'default' } } });
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
