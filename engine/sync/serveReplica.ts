import { hostname } from 'node:os';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { asBerthError } from '../base/errors.ts';
import type { Replica } from '../base/replica/replica.ts';
import { syncPeerInvalid } from '../base/sync/errors.ts';
import { CarrierLost, readFrames, writeFrame } from '../base/sync/frames.ts';
import type { Frame } from '../base/sync/frames.ts';
import { fromDelta, parsePeer, protocolVersion, requestSchema, toChange } from '../base/sync/messages.ts';
import type { Request, Welcome } from '../base/sync/messages.ts';

/** Answers a client's questions about a folder, one after the other, until the stream ends. Throws what makes it useless to go on. */
export async function serveReplica(stream: Duplex, replica: Replica): Promise<void> {
  stream.on('error', () => undefined); // told by the read that fails
  const frames = readFrames(stream)[Symbol.asyncIterator]();
  const send = (frame: Frame): Promise<void> => writeFrame(stream, frame);
  try {
    await send({ kind: 'message', value: welcomeOf(replica) });
    for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
      if (next.value.kind !== 'message') throw syncPeerInvalid({ what: 'A request', detail: 'it is no message' });
      await answer(parsePeer(requestSchema, next.value.value, 'A request'), replica, frames, send);
    }
  } catch (error) {
    if (!(error instanceof CarrierLost)) throw error;
  } finally {
    stream.destroy();
  }
}

/** Tells the client that something was noticed. */
export function sendChanged(stream: Duplex): void {
  writeFrame(stream, { kind: 'message', value: { type: 'changed' } }).catch(() => undefined);
}

type Send = (frame: Frame) => Promise<void>;

async function answer(request: Request, replica: Replica, frames: AsyncIterator<Frame>, send: Send): Promise<void> {
  const content = request.type === 'receive' ? new Incoming(frames) : undefined;
  let value: unknown;
  try {
    if (request.type === 'supply') {
      for await (const data of replica.supply(request.needs)) await send({ kind: 'data', data });
      await send({ kind: 'end' });
      return;
    }
    value = await carryOut(request, replica, content);
  } catch (error) {
    if (error instanceof CarrierLost || syncPeerInvalid.is(error)) throw error;
    await content?.drain();
    const { code, message, params } = asBerthError(error);
    await send({ kind: 'message', value: { type: 'failed', code, message, params } });
    return;
  }
  await send({ kind: 'message', value: { type: 'reply', value } });
}

async function carryOut(request: Exclude<Request, { type: 'supply' }>, replica: Replica, content: Incoming | undefined): Promise<unknown> {
  switch (request.type) {
    case 'scan':
      return fromDelta(await replica.scan({ full: request.full, ...(request.rules ? { rules: request.rules } : {}) }));
    case 'stage':
      return replica.stage(request.files, { keepTimes: request.keepTimes });
    case 'receive':
      return replica.receive(content ?? emptyContent());
    case 'apply':
      return replica.apply(request.changes.map(toChange));
    case 'settle':
      await replica.settle();
      return null;
  }
}

async function* emptyContent(): AsyncGenerator<Buffer> {
  // nothing
}

/** The content that follows a request, up to its end. */
class Incoming implements AsyncIterable<Buffer> {
  readonly #frames: AsyncIterator<Frame>;
  #isOver = false;

  constructor(frames: AsyncIterator<Frame>) {
    this.#frames = frames;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    while (!this.#isOver) {
      const next = await this.#frames.next();
      if (next.done === true) throw new CarrierLost('The connection ended within the content of files');
      if (next.value.kind === 'message') throw syncPeerInvalid({ what: 'The content of files', detail: 'a message is in it' });
      if (next.value.kind === 'end') this.#isOver = true;
      else yield next.value.data;
    }
  }

  async drain(): Promise<void> {
    for await (const _ of this);
  }
}

function welcomeOf({ root, capabilities }: Replica): Welcome {
  return { type: 'welcome', version: protocolVersion, root, host: hostname(), boot: bootId(), capabilities };
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
