import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { encodeFrame, frameTypes } from '../../../../engine/base/mux/frame.ts';
import type { Reason } from '../../../../engine/base/mux/frame.ts';
import type { MuxLimits } from '../../../../engine/base/mux/limits.ts';
import { MuxSession } from '../../../../engine/base/mux/muxSession.ts';
import type { MuxStream } from '../../../../engine/base/mux/muxStream.ts';
import { TestCarrier } from '../../../support/carriers.ts';

interface Pair {
  readonly client: MuxSession;
  readonly server: MuxSession;
  readonly opened: Array<{ stream: MuxStream; header: string }>;
  readonly ended: Reason[];
  carrier: TestCarrier;
  losses: number;
}

function makePair(options: { limits?: Partial<MuxLimits>; onOpen?: (stream: MuxStream, header: string) => void } = {}): Pair {
  const opened: Pair['opened'] = [];
  const ended: Reason[] = [];
  const limits = { ackMs: 1, ...options.limits };
  const onOpen = (stream: MuxStream, header: Buffer): void => {
    opened.push({ stream, header: header.toString() });
    options.onOpen?.(stream, header.toString());
  };
  const pair: Pair = {
    client: new MuxSession({ side: 'client', limits, onOpen, onLost: () => (pair.losses += 1), onClosed: (reason) => ended.push(reason) }),
    server: new MuxSession({ side: 'server', limits, onOpen, onClosed: (reason) => ended.push(reason) }),
    opened,
    ended,
    carrier: new TestCarrier(),
    losses: 0,
  };
  return pair;
}

/** What the relay's handshake does: each end tells how many frames it has had, then both go on. */
function connect(pair: Pair, carrier = new TestCarrier()): void {
  pair.client.detach();
  pair.server.detach();
  const counts = { client: pair.client.received, server: pair.server.received };
  pair.carrier = carrier;
  pair.client.attach(carrier.ends[0], counts.server);
  pair.server.attach(carrier.ends[1], counts.client);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'it did not happen');
    await delay(1);
  }
}

const echo = (stream: MuxStream): void => void stream.pipe(stream);

describe('the multiplexer', () => {
  it('carries many streams both ways, each with its own end', async () => {
    const pair = makePair({ onOpen: echo });
    connect(pair);
    const texts = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const stream = pair.client.open(Buffer.from(`to ${index}`));
        stream.end(`text ${index}`);
        return (await buffer(stream)).toString();
      }),
    );
    assert.deepEqual(texts, Array.from({ length: 50 }, (_, index) => `text ${index}`));
    assert.deepEqual(pair.opened.map(({ header }) => header), Array.from({ length: 50 }, (_, index) => `to ${index}`));
    await until(() => pair.client.size === 0 && pair.server.size === 0);
  });

  it('keeps one direction open when the other has ended', async () => {
    const pair = makePair();
    connect(pair);
    const stream = pair.client.open(Buffer.alloc(0));
    stream.end('question');
    await until(() => pair.opened.length === 1);
    const theirs = pair.opened[0]?.stream;
    assert.ok(theirs);
    assert.equal((await buffer(theirs)).toString(), 'question');
    theirs.write('late ');
    theirs.end('answer');
    assert.equal((await buffer(stream)).toString(), 'late answer');
  });

  it('a reader that does not read holds up its own stream only, and bounds what is kept', async () => {
    const pair = makePair({ limits: { window: 32 * 1024, maxWindow: 32 * 1024 }, onOpen: (stream, header) => header === 'echo' && echo(stream) });
    connect(pair);
    const stuck = pair.client.open(Buffer.from('stuck'));
    stuck.write(randomBytes(1024 * 1024));
    const lively = pair.client.open(Buffer.from('echo'));
    const sent = randomBytes(512 * 1024);
    lively.end(sent);
    assert.ok((await buffer(lively)).equals(sent));
    await until(() => pair.client.unacknowledged === 0);
    assert.equal(stuck.writableNeedDrain, true);
    assert.ok((pair.opened[0]?.stream.readableLength ?? 0) <= 128 * 1024);
  });

  it('tells the other end why a stream was broken off, after what had been sent', async () => {
    const pair = makePair();
    connect(pair);
    const stream = pair.client.open(Buffer.alloc(0));
    stream.write('before');
    await until(() => pair.opened.length === 1);
    stream.destroy(new Error('tired of it'));
    const theirs = pair.opened[0]?.stream;
    assert.ok(theirs);
    const chunks: string[] = [];
    theirs.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    const [error] = (await once(theirs, 'error')) as [Error & { code: string }];
    assert.equal(error.code, 'MUX_STREAM_RESET');
    assert.match(error.message, /tired of it/);
    assert.deepEqual(chunks, ['before']);
    assert.deepEqual([pair.client.size, pair.server.size], [0, 0]);
  });

  it('what was written before the end is read even if the peer then gives the stream up', async () => {
    const pair = makePair();
    connect(pair);
    const stream = pair.client.open(Buffer.alloc(0));
    await until(() => pair.opened.length === 1);
    const theirs = pair.opened[0]?.stream;
    assert.ok(theirs);
    const sent = randomBytes(200 * 1024);
    theirs.end(sent, () => theirs.destroy());
    await until(() => pair.server.size === 0);
    stream.write('nobody reads this, and nobody minds');
    assert.ok((await buffer(stream)).equals(sent));
    stream.end();
    await until(() => pair.client.size === 0);
  });

  it('goes on over a new carrier; what was written meanwhile waits', async () => {
    const pair = makePair({ onOpen: echo });
    connect(pair);
    const stream = pair.client.open(Buffer.alloc(0));
    stream.write('one ');
    assert.equal(String((await once(stream, 'data'))[0]), 'one ');
    pair.carrier.break();
    await until(() => pair.losses === 1);
    stream.end('two');
    connect(pair);
    assert.equal((await buffer(stream)).toString(), 'two');
  });

  it('a new carrier replaces one that still seems to live', async () => {
    const pair = makePair({ onOpen: echo });
    connect(pair);
    const old = pair.carrier;
    connect(pair);
    assert.equal(old.ends[0].destroyed, true);
    assert.equal(pair.losses, 0);
    const stream = pair.client.open(Buffer.alloc(0));
    stream.end('x');
    assert.equal((await buffer(stream)).toString(), 'x');
  });

  it('a silent carrier is dead after a while', async () => {
    const pair = makePair({ limits: { heartbeatMs: 5, deadMs: 20 } });
    const [ours, theirs] = new TestCarrier().ends;
    theirs.resume();
    pair.client.attach(ours, 0);
    await until(() => pair.losses === 1);
    assert.equal(pair.client.attached, false);
    assert.equal(pair.client.closed, undefined);
  });

  it('heartbeats keep an idle carrier', async () => {
    const pair = makePair({ limits: { heartbeatMs: 5, deadMs: 100 } });
    connect(pair);
    await delay(250);
    assert.equal(pair.losses, 0);
  });

  it('a probe without an answer gives the carrier up', async () => {
    const pair = makePair();
    const [ours, theirs] = new TestCarrier().ends;
    theirs.resume();
    pair.client.attach(ours, 0);
    pair.client.probe(5);
    await until(() => pair.losses === 1);
  });

  it('refuses to resume with a peer that has had what was never sent, or lacks what was forgotten', () => {
    const pair = makePair();
    assert.throws(() => pair.client.attach(new TestCarrier().ends[0], 1), { code: 'MUX_RESUME_IMPOSSIBLE' });
    connect(pair);
  });

  it('a closed session ends every stream, here and there, with the reason', async () => {
    const pair = makePair();
    connect(pair);
    const stream = pair.client.open(Buffer.alloc(0));
    const failed = once(stream, 'error');
    await until(() => pair.opened.length === 1);
    pair.server.close({ code: 'STOPPING', detail: 'the engine stops' });
    assert.match(String((await failed)[0]), /the engine stops/);
    assert.deepEqual(pair.client.closed, { code: 'STOPPING', detail: 'the engine stops' });
    assert.throws(() => pair.client.open(Buffer.alloc(0)), { code: 'MUX_SESSION_ENDED' });
  });

  const bad: ReadonlyArray<readonly [string, Buffer]> = [
    ['an unknown frame', encodeFrame(0x1f, 0)],
    ['an unknown frame of a stream', Buffer.concat([encodeFrame(frameTypes.open, 1), encodeFrame(0x0f, 1)])],
    ['a frame that is too long', Buffer.from([0x02, 0xff, 0xff, 0xff, 0, 0, 0, 1])],
    ['a stream of the wrong side', encodeFrame(frameTypes.open, 2)],
    ['a stream opened twice', Buffer.concat([encodeFrame(frameTypes.open, 1), encodeFrame(frameTypes.open, 1)])],
    ['an acknowledgement of what was not sent', encodeFrame(frameTypes.ack, 0, Buffer.from([0, 0, 0, 0, 0, 9]))],
    ['a short acknowledgement', encodeFrame(frameTypes.ack, 0, Buffer.from([1]))],
    ['a short window', Buffer.concat([encodeFrame(frameTypes.open, 1), encodeFrame(frameTypes.window, 1)])],
    ['data after the end', Buffer.concat([encodeFrame(frameTypes.open, 1), encodeFrame(frameTypes.end, 1), encodeFrame(frameTypes.data, 1, Buffer.from('x'))])],
    ['more data than the window has room for', Buffer.concat([encodeFrame(frameTypes.open, 1), ...Array.from({ length: 5 }, () => encodeFrame(frameTypes.data, 1, Buffer.alloc(64 * 1024)))])],
  ];
  for (const [what, bytes] of bad) {
    it(`ends the session for ${what}`, async () => {
      const pair = makePair();
      const [ours, theirs] = new TestCarrier().ends;
      pair.server.attach(ours, 0);
      theirs.resume();
      theirs.write(bytes);
      await until(() => pair.ended.length === 1);
      assert.equal(pair.ended[0]?.code, 'PROTOCOL');
    });
  }

  it('opens no more streams than the peer takes', async () => {
    const pair = makePair({ limits: { streams: 3 }, onOpen: (stream) => void stream.resume() });
    connect(pair);
    const streams = Array.from({ length: 4 }, () => pair.client.open(Buffer.alloc(0)));
    const last = streams[3];
    assert.ok(last);
    last.resume();
    assert.match(String((await once(last, 'error'))[0]), /TOO_MANY_STREAMS/);
    for (const stream of streams) stream.destroy();
    await until(() => pair.server.size === 0);
    const another = pair.client.open(Buffer.alloc(0));
    await until(() => pair.opened.length === 4);
    another.destroy();
  });

  it('every byte arrives once and in order, wherever carriers break', async () => {
    const world = fc.record({
      seed: fc.integer(),
      sizes: fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 6 }),
      breaks: fc.array(fc.integer({ min: 0, max: 120_000 }), { maxLength: 8 }),
      pieces: fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ sizes, breaks, pieces }) => {
        const pair = makePair({ limits: { window: 16 * 1024, unacknowledged: 24 * 1024 }, onOpen: echo });
        let at = 0;
        const piece = (): number => pieces[at++ % pieces.length] ?? 1;
        const remaining = [...breaks];
        const next = (): void => {
          const breakAfter = remaining.shift();
          connect(pair, new TestCarrier({ piece, ...(breakAfter === undefined ? {} : { breakAfter }) }));
        };
        next();
        const watcher = setInterval(() => {
          if (!pair.client.attached || !pair.server.attached) next();
        }, 1);
        try {
          const results = await Promise.all(
            sizes.map(async (size) => {
              const sent = randomBytes(size);
              const stream = pair.client.open(Buffer.from('echo'));
              const got = buffer(stream);
              for (let from = 0; from < size; from += 20_000) stream.write(sent.subarray(from, from + 20_000));
              stream.end();
              return (await got).equals(sent);
            }),
          );
          assert.deepEqual(results, sizes.map(() => true));
          assert.deepEqual(pair.ended, []);
        } finally {
          clearInterval(watcher);
          pair.client.close({ code: 'DONE', detail: 'done' });
          pair.server.close({ code: 'DONE', detail: 'done' });
        }
      }),
      { numRuns: 40, interruptAfterTimeLimit: 8000 },
    );
  });
});
