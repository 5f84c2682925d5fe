import { Duplex } from 'node:stream';
import { BerthError } from '../errors.ts';
import { muxProtocol, muxStreamReset } from './errors.ts';
import type { Reason } from './frame.ts';
import type { MuxLimits } from './limits.ts';

/** What a stream asks of its session. */
export interface StreamHost {
  readonly limits: MuxLimits;
  /** The stream has something to send and may send it. */
  ready(stream: MuxStream): void;
  /** The peer may send that many more bytes. */
  credit(stream: MuxStream, bytes: number): void;
  /** Takes from what all windows may grow by; false: it is used up. */
  grow(bytes: number): boolean;
  /** The stream is gone; `reason`: the peer must be told. */
  release(stream: MuxStream, grown: number, reason: Reason | undefined): void;
}

type Callback = (error?: Error | null) => void;

/** What a stream sends next. */
export interface Outgoing {
  /** `undefined`: the end. */
  readonly bytes?: Buffer;
  /** Call it once the frame is on its way. */
  readonly done: Callback;
}

/** One stream of a session: an ordinary Duplex with half-close. Destroying it before both directions ended resets it. */
export class MuxStream extends Duplex {
  readonly id: number;
  readonly #host: StreamHost;
  #sendWindow: number;
  #out: { bytes: Buffer; done: Callback } | undefined;
  #finish: Callback | undefined;
  #endSent = false;
  #inbox: Buffer[] = [];
  #reading = false;
  #endReceived = false;
  #endTold = false;
  #reset: Reason | undefined;
  #window: number;
  #grown = 0;
  #outstanding = 0;
  #consumed = 0;
  #keptUp = true;

  constructor(id: number, host: StreamHost) {
    super({ allowHalfOpen: true, decodeStrings: true });
    this.id = id;
    this.#host = host;
    this.#sendWindow = host.limits.window;
    this.#window = host.limits.window;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    if (this.#reset) return this.#writeToNobody(done);
    this.#out = { bytes: chunk, done };
    this.#announce();
  }

  override _writev(chunks: ReadonlyArray<{ chunk: Buffer }>, done: Callback): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: Callback): void {
    if (this.#reset) return done();
    this.#finish = done;
    this.#announce();
  }

  override _read(): void {
    this.#reading = true;
    this.#drain();
  }

  override _destroy(error: Error | null, done: Callback): void {
    const complete = (this.#endSent && this.#endReceived) || this.#reset !== undefined;
    this.#host.release(this, this.#grown, complete ? undefined : reasonOf(error));
    this.#out?.done(error ?? new Error('The stream was closed'));
    this.#finish?.(error ?? new Error('The stream was closed'));
    this.#out = undefined;
    this.#finish = undefined;
    this.#inbox = [];
    done(error);
  }

  /** For the session: what to send next, of at most `limit` bytes; `undefined`: nothing, or the peer takes no more yet. */
  next(limit: number): Outgoing | undefined {
    const out = this.#out;
    if (out) {
      const size = Math.min(limit, this.#sendWindow, out.bytes.length);
      if (size === 0 && out.bytes.length > 0) return undefined;
      const bytes = out.bytes.subarray(0, size);
      this.#sendWindow -= size;
      out.bytes = out.bytes.subarray(size);
      if (out.bytes.length > 0) return { bytes, done: () => undefined };
      this.#out = undefined;
      return { bytes, done: out.done };
    }
    const finish = this.#finish;
    if (!finish) return undefined;
    this.#finish = undefined;
    this.#endSent = true;
    return { done: finish };
  }

  /** For the session: bytes from the peer. */
  receive(bytes: Buffer): void {
    this.#outstanding += bytes.length;
    if (this.#outstanding > this.#window || this.#endReceived) throw muxProtocol({ detail: `stream ${this.id} has more data than it may` });
    this.#inbox.push(bytes);
    this.#drain();
  }

  receiveEnd(): void {
    this.#endReceived = true;
    this.#drain();
  }

  /** The peer has given the stream up. What it had sent before is still read; what is written from now on goes nowhere. */
  receiveReset(reason: Reason): void {
    this.#reset = reason;
    const { done } = this.#out ?? {};
    this.#out = undefined;
    if (done) this.#writeToNobody(done);
    this.#finish?.();
    this.#finish = undefined;
    this.#drain();
  }

  receiveCredit(bytes: number): void {
    this.#sendWindow += bytes;
    this.#announce();
  }

  #announce(): void {
    if (this.#finish || (this.#out && (this.#sendWindow > 0 || this.#out.bytes.length === 0))) this.#host.ready(this);
  }

  /** As a socket whose peer has closed: after a proper end nobody minds, else it is an error. */
  #writeToNobody(done: Callback): void {
    if (this.#endReceived) done();
    else done(resetError(this.#reset));
  }

  #drain(): void {
    while (this.#reading && this.#inbox.length > 0) {
      const bytes = this.#inbox.shift();
      if (!bytes) break;
      this.#consumed += bytes.length;
      this.#reading = this.push(bytes);
    }
    if (this.#inbox.length > 0) this.#keptUp = false;
    else if (this.#endReceived) this.#tellEnd();
    else if (this.#reset) this.destroy(resetError(this.#reset));
    this.#giveCredit();
  }

  #tellEnd(): void {
    if (this.#endTold) return;
    this.#endTold = true;
    this.push(null);
  }

  /** In halves of the window, so that few frames do; a reader that keeps up gets a larger one. */
  #giveCredit(): void {
    if (this.#consumed < this.#window / 2 || this.#endReceived || this.destroyed) return;
    let credit = this.#consumed;
    this.#outstanding -= this.#consumed;
    this.#consumed = 0;
    if (this.#keptUp && this.#window * 2 <= this.#host.limits.maxWindow && this.#host.grow(this.#window)) {
      credit += this.#window;
      this.#grown += this.#window;
      this.#window *= 2;
    }
    this.#keptUp = true;
    this.#host.credit(this, credit);
  }
}

function resetError(reason: Reason | undefined): Error {
  return muxStreamReset(reason ?? { code: 'UNKNOWN', detail: 'no reason was given' });
}

function reasonOf(error: Error | null): Reason {
  if (error instanceof BerthError) return { code: error.code, detail: error.message };
  return error ? { code: 'BROKEN', detail: error.message } : { code: 'CLOSED', detail: 'it was closed' };
}
