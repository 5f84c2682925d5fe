import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { logFiles } from '../../../engine/host/containerLogFiles.ts';
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

  it('are rotated by size and count; a reader who follows from file to file misses nothing', async () => {
    const lines = 40_000;
    const rotated = { HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '200k', 'max-file': '40' } } } };
    const id = await world.start(['sh', '-c', `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "line $i"; [ $((i % 4000)) -eq 0 ] && sleep 0.15; done; exit 0`], rotated);
    const followed = (await world.logs(id, { follow: true })).split('\n');
    assert.deepEqual([followed.length, followed.findIndex((line, index) => index < lines && line !== `line ${index + 1}`)], [lines + 1, -1]);
    assert.ok((await logFiles(world.containers.find(id).paths.log)).length > 3);
    assert.equal(await world.logs(id), followed.join('\n'));
    assert.equal((await world.logs(id, { tail: 30_000 })).split('\n')[0], `line ${lines - 30_000 + 1}`);
    await world.containers.remove(id);
  });

  it('keep no more files than asked for, and go on in the next run', async () => {
    const { id } = await world.finish('for i in $(seq 8); do head -c 60000 /dev/zero | tr "\\0" "$i"; echo; sleep 0.12; done', { HostConfig: { LogConfig: { Type: 'local', Config: { 'max-size': '50k', 'max-file': '2' } } } });
    const files = await logFiles(world.containers.find(id).paths.log);
    assert.ok(files.length >= 1 && files.length <= 2, String(files.length));
    const text = await world.logs(id);
    assert.ok(text.length < 8 * 60_000 && text.endsWith('8\n'), String(text.length));
    const ended = world.containers.wait(id, 'next-exit');
    await world.containers.start(id);
    await ended;
    assert.ok((await world.logs(id)).endsWith('8\n'));
    await world.containers.remove(id);
  });

  it('are not kept at all when nobody wants them, and bad limits are refused', async () => {
    const id = await world.start(['sh', '-c', 'echo unheard; sleep 1000'], { HostConfig: { LogConfig: { Type: 'none', Config: {} } } });
    await assert.rejects(world.logs(id), { code: 'NO_LOG' });
    assert.deepEqual(await logFiles(world.containers.find(id).paths.log), []);
    await world.containers.remove(id, { force: true });
    for (const Config of [{ 'max-size': 'many' }, { 'max-size': '0' }, { 'max-file': '3' }, { 'max-size': '1m', 'max-file': '0' }]) {
      await assert.rejects(world.containers.create({ Image: 'debian', Cmd: ['true'], HostConfig: { LogConfig: { Type: 'json-file', Config } } }), { code: 'INVALID_CONTAINER_CONFIG' });
    }
  });
});
