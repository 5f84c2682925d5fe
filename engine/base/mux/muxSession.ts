import type { Duplex } from 'node:stream';
import { Carrier } from './carrier.ts';
import { muxProtocol, muxSessionEnded } from './errors.ts';
import { decodeReason, encodeFrame, encodeReason, frameTypes, isSequenced } from './frame.ts';
import type { Frame, Reason } from './frame.ts';
import { defaultMuxLimits } from './limits.ts';
import type { MuxLimits } from './limits.ts';
import { MuxStream } from './muxStream.ts';
import { ReplayBuffer } from './replayBuffer.ts';

export interface MuxOptions {
  /** The end that made the session opens odd streams, the other even ones. */
  readonly side: 'client' | 'server';
  readonly limits?: Partial<MuxLimits>;
  /** The peer opened a stream; `header` says where to. The receiver owns it. */
  readonly onOpen: (stream: MuxStream, header: Buffer) => void;
  /** The carrier is gone; the session waits for another. `silent`: nobody closed it, but nothing comes any more. */
  readonly onLost?: (reason: string, silent: boolean) => void;
  /** The session is over, and with it every stream. */
  readonly onClosed?: (reason: Reason) => void;
}

/** Bytes of one stream before it is the next one's turn. */
const slice = 16 * 1024;
/** Frames and bytes after which an acknowledgement is not put off. */
const ackFrames = 64;
const ackBytes = 64 * 1024;

/**
 * Many streams over one carrier that may be lost and replaced: every frame of a stream is counted, kept until the peer has it,
 * and sent again on the next carrier from where the peer stopped. See README.md for the protocol.
 */
export class MuxSession {
  readonly limits: MuxLimits;
  readonly #options: MuxOptions;
  readonly #streams = new Map<number, MuxStream>();
  readonly #ready = new Set<MuxStream>();
  readonly #replay = new ReplayBuffer();
  #carrier: Carrier | undefined;
  #closed: Reason | undefined;
  #nextId: number;
  #lastPeerId = 0;
  #peerStreams = 0;
  #growth: number;
  #received = 0;
  #unacked = { frames: 0, bytes: 0 };
  #ackTimer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #pumping = false;

  constructor(options: MuxOptions) {
    this.#options = options;
    this.limits = { ...defaultMuxLimits, ...options.limits };
    this.#growth = this.limits.growth;
    this.#nextId = options.side === 'client' ? 1 : 2;
  }

  /** How many frames of the peer have arrived: what a resuming peer must know. */
  get received(): number {
    return this.#received;
  }

  get attached(): boolean {
    return this.#carrier !== undefined;
  }

  get closed(): Reason | undefined {
    return this.#closed;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#streams.size;
  }

  /** Bytes kept until the peer acknowledges them. */
  get unacknowledged(): number {
    return this.#replay.bytes;
  }

  /** Goes on over a new carrier, with a peer that has had `peerReceived` frames. Throws MUX_RESUME_IMPOSSIBLE, MUX_SESSION_ENDED. */
  attach(duplex: Duplex, peerReceived: number): void {
    if (this.#closed) throw muxSessionEnded(this.#closed);
    this.detach();
    this.#replay.rewind(peerReceived);
    const carrier: Carrier = new Carrier(duplex, {
      onFrame: (frame) => this.#onFrame(frame, carrier),
      onFault: (error) => this.close({ code: 'PROTOCOL', detail: error instanceof Error ? error.message : String(error) }),
      onWritable: () => this.#pump(),
      onLost: (reason, silent) => this.#lost(carrier, reason, silent),
    });
    this.#carrier = carrier;
    this.#heartbeat = setInterval(() => this.#beat(carrier), this.limits.heartbeatMs);
    this.#heartbeat.unref();
    this.#pump();
  }

  /** Leaves the present carrier: what `received` says then stays true until the next one. */
  detach(): void {
    this.#carrier?.leave();
    this.#carrier = undefined;
    this.#stopTimers();
  }

  /** Asks the peer for a sign of life; without one within `ms` the carrier is given up. */
  probe(ms: number): void {
    const carrier = this.#carrier;
    if (!carrier) return;
    const asked = performance.now();
    carrier.write(encodeFrame(frameTypes.ping, 0));
    setTimeout(() => {
      if (carrier.heard < asked) carrier.drop('the other end does not answer', true);
    }, ms).unref();
  }

  /** A new stream; bytes may be written at once. Throws MUX_SESSION_ENDED. */
  open(header: Uint8Array): MuxStream {
    if (this.#closed) throw muxSessionEnded(this.#closed);
    const stream = this.#add(this.#nextId);
    this.#nextId += 2;
    this.#send(frameTypes.open, stream.id, header);
    return stream;
  }

  /** Ends the session on both sides. */
  close(reason: Reason): void {
    if (this.#closed) return;
    this.#carrier?.write(encodeFrame(frameTypes.close, 0, encodeReason(reason)));
    this.#carrier?.finish();
    this.#end(reason);
  }

  #end(reason: Reason): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#carrier = undefined;
    this.#stopTimers();
    for (const stream of [...this.#streams.values()]) stream.destroy(muxSessionEnded(reason));
    this.#options.onClosed?.(reason);
  }

  #lost(carrier: Carrier, reason: string, silent: boolean): void {
    if (carrier !== this.#carrier) return;
    this.#carrier = undefined;
    this.#stopTimers();
    this.#options.onLost?.(reason, silent);
  }

  #stopTimers(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#unacked = { frames: 0, bytes: 0 };
  }

  #beat(carrier: Carrier): void {
    if (performance.now() - carrier.heard > this.limits.deadMs) carrier.drop('nothing was heard from the other end', true);
    else carrier.write(encodeFrame(frameTypes.ping, 0));
  }

  #onFrame(frame: Frame, carrier: Carrier): void {
    if (isSequenced(frame.type)) {
      this.#received += 1;
      this.#scheduleAck(frame.payload.length);
      this.#onStreamFrame(frame);
      return;
    }
    if (frame.type === frameTypes.ack) {
      this.#replay.acknowledge(frame.payload.readUIntBE(0, 6));
      this.#pump();
    } else if (frame.type === frameTypes.ping) carrier.write(encodeFrame(frameTypes.pong, 0));
    else if (frame.type === frameTypes.close) {
      carrier.leave();
      this.#end(decodeReason(frame.payload));
    } else if (frame.type !== frameTypes.pong) throw muxProtocol({ detail: `a frame of type ${frame.type}` });
  }

  #onStreamFrame({ type, stream: id, payload }: Frame): void {
    if (type === frameTypes.open) return this.#accept(id, payload);
    const stream = this.#streams.get(id);
    if (!stream) return; // ours is gone already; the peer will have read so
    if (type === frameTypes.data) stream.receive(payload);
    else if (type === frameTypes.end) stream.receiveEnd();
    else if (type === frameTypes.reset) stream.receiveReset(decodeReason(payload));
    else if (type === frameTypes.window) stream.receiveCredit(payload.readUInt32BE(0));
    else throw muxProtocol({ detail: `a frame of type ${type}` });
  }

  #accept(id: number, header: Buffer): void {
    if (id % 2 === this.#nextId % 2 || id <= this.#lastPeerId) throw muxProtocol({ detail: `stream ${id} was opened twice` });
    this.#lastPeerId = id;
    if (this.#peerStreams >= this.limits.streams) {
      this.#send(frameTypes.reset, id, encodeReason({ code: 'TOO_MANY_STREAMS', detail: `more than ${this.limits.streams} connections at once` }));
      return;
    }
    this.#peerStreams += 1;
    this.#options.onOpen(this.#add(id), header);
  }

  #add(id: number): MuxStream {
    const stream = new MuxStream(id, {
      limits: this.limits,
      ready: (one) => {
        this.#ready.add(one);
        this.#pump();
      },
      credit: (one, bytes) => {
        const payload = Buffer.alloc(4);
        payload.writeUInt32BE(bytes);
        this.#send(frameTypes.window, one.id, payload);
      },
      grow: (bytes) => {
        if (bytes > this.#growth) return false;
        this.#growth -= bytes;
        return true;
      },
      release: (one, grown, reason) => this.#release(one, grown, reason),
    });
    stream.on('error', () => undefined); // whoever uses it listens too; an end nobody awaits is no fault of the process
    this.#streams.set(id, stream);
    return stream;
  }

  #release(stream: MuxStream, grown: number, reason: Reason | undefined): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#ready.delete(stream);
    this.#growth += grown;
    if (stream.id % 2 !== this.#nextId % 2) this.#peerStreams -= 1;
    if (reason && !this.#closed) this.#send(frameTypes.reset, stream.id, encodeReason(reason));
  }

  /** Frames that are not held back by windows; few enough per stream to be kept whatever the carrier does. */
  #send(type: number, id: number, payload: Uint8Array): void {
    if (this.#closed) return;
    this.#replay.add(encodeFrame(type, id, payload));
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#carrier && !this.#carrier.blocked) {
        const frame = this.#replay.next() ?? this.#nextOfStreams();
        if (!frame) break;
        this.#carrier.write(frame);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Streams take turns. */
  #nextOfStreams(): Buffer | undefined {
    if (this.#replay.bytes >= this.limits.unacknowledged) return undefined;
    for (const stream of this.#ready) {
      this.#ready.delete(stream);
      const out = stream.next(slice);
      if (!out) continue;
      this.#ready.add(stream);
      this.#replay.add(out.bytes ? encodeFrame(frameTypes.data, stream.id, out.bytes) : encodeFrame(frameTypes.end, stream.id));
      out.done();
      return this.#replay.next();
    }
    return undefined;
  }

  #scheduleAck(bytes: number): void {
    this.#unacked.frames += 1;
    this.#unacked.bytes += bytes;
    if (this.#unacked.frames >= ackFrames || this.#unacked.bytes >= ackBytes) this.#acknowledge();
    else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), this.limits.ackMs);
  }

  #acknowledge(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#unacked = { frames: 0, bytes: 0 };
    const payload = Buffer.alloc(6);
    payload.writeUIntBE(this.#received, 0, 6);
    this.#carrier?.write(encodeFrame(frameTypes.ack, 0, payload));
  }
}
