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
