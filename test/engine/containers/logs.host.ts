import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerWorld, unframe } from '../../support/containerWorld.ts';

describe('logs', () => {
  let world: ContainerWorld;
  before(async () => (world = await ContainerWorld.create('logs')));
  after(() => world.remove());

  it('give the last lines, with times, since and until', async () => {
    const { id } = await world.finish('for i in 1 2 3 4 5; do echo line $i; done; sleep 0.3; echo late');
    assert.equal(await world.logs(id, { tail: 2 }), 'line 5\nlate\n');
    assert.equal(await world.logs(id, { tail: 0 }), '');
    assert.equal(await world.logs(id, { tail: 100 }), 'line 1\nline 2\nline 3\nline 4\nline 5\nlate\n');
    const stamped = await world.logs(id, { timestamps: true });
    const times = stamped.trim().split('\n').map((line) => /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (line \d|late)$/.exec(line)?.[1] ?? '');
    assert.ok(times.every((time) => time !== ''));
    const between = Date.parse(times[5] ?? '') - 100;
    assert.equal(await world.logs(id, { since: between }), 'late\n');
    assert.equal(await world.logs(id, { until: between, tail: 2 }), 'line 5\n');
    await world.containers.remove(id);
  });

  it('of a terminal come as they are', async () => {
    const { id } = await world.finish('echo a; echo b >&2', { Tty: true });
    assert.equal(await world.logs(id), 'a\r\nb\r\n');
    await world.containers.remove(id);
  });

  it('are followed as they come, to the end of the container', async () => {
    const id = await world.start(['sh', '-c', 'echo one; sleep 0.3; echo two; sleep 0.3; printf three']);
    const out = new PassThrough();
    const arrivals: Array<[number, string]> = [];
    const begun = performance.now();
    out.on('data', (chunk: Buffer) => unframe(chunk).forEach(({ text }) => arrivals.push([performance.now() - begun, text])));
    await world.containers.logs(id, { stdout: true, stderr: true, timestamps: false, follow: true }, out, new AbortController().signal);
    assert.equal(arrivals.map(([, text]) => text).join(''), 'one\ntwo\nthree');
    const [first, second] = arrivals.map(([time]) => time);
    assert.ok((second ?? 0) - (first ?? 0) > 150);
    await world.containers.remove(id);
  });

  it('stop being followed when the client leaves', async () => {
    const id = await world.start(['sleep', '1000']);
    const leave = new AbortController();
    const following = world.logs(id, { follow: true }, leave.signal);
    await delay(50);
    leave.abort();
    assert.equal(await following, '');
    await world.containers.remove(id, { force: true });
  });

  it('keep every byte of long lines and much output, also for a reader who is slow', async () => {
    const { id } = await world.finish('head -c 100000 /dev/zero | tr "\\0" x; echo; for i in $(seq 20000); do echo "line number $i"; done');
    const out = new PassThrough({ highWaterMark: 1024 });
    const reading = world.containers.logs(id, { stdout: true, stderr: true, timestamps: false, follow: false }, out, new AbortController().signal).then(() => out.end());
    const chunks: Buffer[] = [];
    for await (const chunk of out as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if (chunks.length % 10 === 0) await delay(1);
    }
    await reading;
    const lines = unframe(Buffer.concat(chunks)).map(({ text }) => text).join('').split('\n');
    assert.equal(lines[0]?.length, 100_000);
    assert.deepEqual([lines.length, lines[20_000]], [20_002, 'line number 20000']);
    assert.equal(await world.logs(id, { tail: 1 }), 'line number 20000\n');
    await world.containers.remove(id);
  });
});
