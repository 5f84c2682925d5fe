import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { BerthError } from '../../base/errors.ts';
import type { Capabilities, Change, Outcome, ScanDelta } from '../../base/sync/entry.ts';
import { syncPeerInvalid } from '../../base/sync/errors.ts';
import { carrierGone, readFrames, writeFrame } from '../../base/sync/frames.ts';
import type { Frame } from '../../base/sync/frames.ts';
import { applyReplySchema, fromChange, fromHostSchema, nothingSchema, parsePeer, protocolVersion, receiveReplySchema, scanReplySchema, stageReplySchema, toDelta, welcomeSchema } from '../../base/sync/messages.ts';
import type { Need, Request, Wanted, Welcome } from '../../base/sync/messages.ts';
import type { RuleSetData } from '../../base/sync/ruleSet.ts';
import type { Side } from '../../base/sync/side.ts';
import { Handoff } from './handoff.ts';

/** The folder on the engine's host, at the other end of a stream. What it says is checked before anybody acts on it. */
export class RemoteReplica implements Side {
  readonly welcome: Welcome;
  readonly #stream: Duplex;
  readonly #answers = new Handoff<Frame>();
  readonly #lost: Promise<Error>;
  #isChanged = false;
  #onChange: () => void = () => undefined;

  private constructor(stream: Duplex, frames: AsyncIterator<Frame>, welcome: Welcome) {
    this.#stream = stream;
    this.welcome = welcome;
    this.#lost = this.#listen(frames);
  }

  /** Waits for the host's welcome. Throws SYNC_PEER_INVALID and CarrierLost. */
  static async attach(stream: Duplex): Promise<RemoteReplica> {
    stream.on('error', () => undefined); // told by the read that fails
    const frames = readFrames(stream)[Symbol.asyncIterator]();
    const first = await frames.next();
    if (first.done === true || first.value.kind !== 'message') throw carrierGone();
    const welcome = parsePeer(welcomeSchema, first.value.value, "The host's welcome");
    if (welcome.version !== protocolVersion) throw syncPeerInvalid({ what: "The host's welcome", detail: `it speaks version ${welcome.version} of the protocol, this is ${protocolVersion}` });
    return new RemoteReplica(stream, frames, welcome);
  }

  get capabilities(): Capabilities {
    return this.welcome.capabilities;
  }

  /** Resolves when the stream is gone, with why. */
  get lost(): Promise<Error> {
    return this.#lost;
  }

  /** Calls when something was noticed over there. */
  set onChange(listener: () => void) {
    this.#onChange = listener;
  }

  /** Whether something was noticed since the last scan. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  async scan({ full, rules }: { readonly full: boolean; readonly rules?: RuleSetData }): Promise<ScanDelta> {
    this.#isChanged = false;
    const data = rules && { files: rules.files.map(([folder, text]): [string, string] => [folder, text]), extra: [...rules.extra], kept: [...rules.kept] };
    return toDelta(await this.#ask({ type: 'scan', full, ...(data ? { rules: data } : {}) }, scanReplySchema));
  }

  async stage(files: readonly Wanted[], { keepTimes }: { readonly keepTimes: boolean }): Promise<Need[]> {
    const needs = await this.#ask({ type: 'stage', files: [...files], keepTimes }, stageReplySchema);
    for (const { index, path, digest } of needs) {
      // Only what was offered is handed out.
      const offered = files[index];
      if (offered?.path !== path || offered.digest !== digest) throw syncPeerInvalid({ what: 'A request of the host', detail: `${path} was not offered` });
    }
    return needs;
  }

  async receive(content: AsyncIterable<Buffer>): Promise<number[]> {
    await this.#send({ kind: 'message', value: { type: 'receive' } satisfies Request });
    for await (const data of content) await this.#send({ kind: 'data', data });
    await this.#send({ kind: 'end' });
    return this.#answer(receiveReplySchema);
  }

  async *supply(needs: readonly Need[]): AsyncGenerator<Buffer> {
    await this.#send({ kind: 'message', value: { type: 'supply', needs: [...needs] } satisfies Request });
    let isOver = false;
    try {
      for (;;) {
        const frame = await this.#answers.take();
        isOver = frame.kind !== 'data';
        if (frame.kind === 'data') yield frame.data;
        else if (frame.kind === 'end') return;
        else throw failureOf(frame.value);
      }
    } finally {
      // Whoever took it gave up: the rest of it must not be taken for the answer to the next question.
      while (!isOver) isOver = (await this.#answers.take()).kind !== 'data';
    }
  }

  async apply(changes: readonly Change[]): Promise<Outcome[]> {
    return this.#ask({ type: 'apply', changes: changes.map(fromChange) }, applyReplySchema);
  }

  async settle(): Promise<void> {
    await this.#ask({ type: 'settle' }, nothingSchema);
  }

  close(): void {
    this.#stream.destroy();
  }

  #send(frame: Frame): Promise<void> {
    return writeFrame(this.#stream, frame);
  }

  async #ask<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
    await this.#send({ kind: 'message', value: request });
    return this.#answer(schema);
  }

  async #answer<T>(schema: z.ZodType<T>): Promise<T> {
    const frame = await this.#answers.take();
    if (frame.kind !== 'message') throw syncPeerInvalid({ what: 'An answer of the host', detail: 'it is no message' });
    const message = parsePeer(fromHostSchema, frame.value, 'An answer of the host');
    if (message.type !== 'reply') throw failureOf(message);
    return parsePeer(schema, message.value, 'An answer of the host');
  }

  async #listen(frames: AsyncIterator<Frame>): Promise<Error> {
    let why: Error = carrierGone();
    try {
      for (;;) {
        const next = await frames.next();
        if (next.done === true) break;
        if (next.value.kind === 'message' && isNotice(next.value.value)) {
          this.#isChanged = true;
          this.#onChange();
        } else await this.#answers.put(next.value);
      }
    } catch (error) {
      why = error instanceof Error ? error : new Error(String(error));
    }
    this.#answers.fail(why);
    this.#stream.destroy();
    return why;
  }
}

function isNotice(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'changed';
}

/** An error of the host as one of ours. */
function failureOf(value: unknown): Error {
  const message = parsePeer(fromHostSchema, value, 'An answer of the host');
  if (message.type !== 'failed') return syncPeerInvalid({ what: 'An answer of the host', detail: 'it belongs to another question' });
  return new BerthError(message.code, 500, message.message, message.params);
}
