import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';

/** A second, independent client of the Docker API: what tools written for Node use. */
describe('dockerode', () => {
  let engine: TestEngine;
  let docker: Docker;

  before(async () => {
    engine = await TestEngine.start({ instance: 'dode' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    docker = new Docker({ socketPath: engine.client.socketPath });
  });
  after(() => engine.remove());

  it('runs a container and collects what it prints', async () => {
    const out = new PassThrough();
    const printed = text(out);
    const [result] = (await docker.run('debian:bookworm', ['sh', '-c', 'echo hello; exit 3'], [out, new PassThrough()] as never, { Tty: false, HostConfig: { AutoRemove: true } })) as [{ StatusCode: number }];
    out.end();
    assert.equal(result.StatusCode, 3);
    assert.equal(await printed, 'hello\n');
  });

  it('creates, starts, inspects, execs with stdin over a hijacked connection, reads stats, stops and removes', async () => {
    const container = await docker.createContainer({ Image: 'debian:bookworm', Cmd: ['sleep', '600'], name: 'long', HostConfig: { Memory: 64 * 1024 * 1024 } });
    await container.start();
    const inspected = await container.inspect();
    assert.ok(inspected.State.Running);
    assert.equal(inspected.HostConfig.Memory, 64 * 1024 * 1024);
    const exec = await container.exec({ Cmd: ['tr', 'a-z', 'A-Z'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    const out = new PassThrough();
    const printed = text(out);
    docker.modem.demuxStream(stream, out, out);
    stream.write('quiet');
    stream.end();
    await once(stream, 'end');
    out.end();
    assert.equal(await printed, 'QUIET');
    assert.equal((await exec.inspect()).ExitCode, 0);
    const stats = await container.stats({ stream: false });
    assert.ok(stats.memory_stats.usage > 0 && stats.memory_stats.limit === 64 * 1024 * 1024);
    await container.stop({ t: 0 });
    await container.remove();
    await assert.rejects(container.inspect(), (error: Error & { statusCode?: number }) => error.statusCode === 404);
  });

  it('follows logs and events as they come', async () => {
    const events = (await docker.getEvents({ filters: { type: ['container'] } })) as Readable;
    const actions: string[] = [];
    events.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) actions.push((JSON.parse(line) as { Action: string }).Action);
    });
    const container = await docker.createContainer({ Image: 'debian:bookworm', Cmd: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done'] });
    await container.start();
    const logs = await container.logs({ follow: true, stdout: true, stderr: true });
    const out = new PassThrough();
    const printed = text(out);
    docker.modem.demuxStream(logs, out, out);
    await once(logs, 'end');
    out.end();
    assert.equal(await printed, '1\n2\n3\n');
    await container.remove();
    for (let attempt = 0; attempt < 100 && !actions.includes('destroy'); attempt += 1) await delay(20);
    events.destroy();
    assert.deepEqual(actions.filter((action) => ['create', 'start', 'die', 'destroy'].includes(action)), ['create', 'start', 'die', 'destroy']);
  });

  it('lists with filters', async () => {
    const container = await docker.createContainer({ Image: 'debian:bookworm', Cmd: ['true'], Labels: { fleet: 'north' } });
    const found = await docker.listContainers({ all: true, filters: { label: ['fleet=north'] } });
    assert.deepEqual(found.map((one) => one.Id), [container.id]);
    assert.deepEqual(await docker.listContainers({ all: true, filters: { label: ['fleet=south'] } }), []);
    await container.remove();
  });
});

async function text(stream: Readable): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}
