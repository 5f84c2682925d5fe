import type { Duplex } from 'node:stream';
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import { relayTargetSchema } from '../../api/berth/relay.ts';
import type { RelayTarget } from '../../api/berth/relay.ts';
import { asBerthError, badRequest, conflict, defineError } from '../../base/errors.ts';
import { joinStreams } from '../../base/joinStreams.ts';
import type { Log } from '../../base/log.ts';
import type { Reason } from '../../base/mux/frame.ts';
import type { MuxLimits } from '../../base/mux/limits.ts';
import { MuxSession } from '../../base/mux/muxSession.ts';
import type { MuxStream } from '../../base/mux/muxStream.ts';

export const relaySessionUnknown = defineError<Record<never, never>>('RELAY_SESSION_UNKNOWN', 410, () => 'This session is over: the engine was started anew, or the link was away for too long. Connections of that session are closed; new ones work.');
export const relayTargetUnreachable = defineError<{ target: string; reason: string }>('RELAY_TARGET_UNREACHABLE', 502, (p) => `Nothing answers at ${p.target}: ${p.reason}. Check that the program in the container runs and listens on all addresses, not only on its own localhost.`);

export interface RelayOptions {
  readonly log: Log;
  /** Hands a stream to the engine's HTTP server. */
  readonly accept: (stream: Duplex) => void;
  /** The address at which this host reaches a container's ports; throws when it has none. */
  readonly containerAddress: (container: string) => string;
  /** How long a session waits for its link to come back. */
  readonly patienceMs: number;
  readonly limits?: Partial<MuxLimits>;
}

interface Session {
  readonly id: string;
  readonly mux: MuxSession;
  /** Streams to ports: they keep the engine, as requests do by themselves. */
  ports: number;
  forget: NodeJS.Timeout | undefined;
  /** Counts those who asked to carry it: the last one does. */
  claims: number;
}

/** The right to be the carrier of a session, until somebody else asks for it. */
export interface RelayClaim {
  readonly id: string;
  /** How many frames of the link have arrived. */
  readonly received: number;
  readonly claim: number;
}

/** More links than this at once are a mistake. */
const maxSessions = 64;

/** The sessions of this engine's links. A session outlives its connection for a while; then, or when the engine stops, its streams end. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Whether a connection to a port is open, so that the engine must stay. */
  get isNeeded(): boolean {
    return [...this.#sessions.values()].some(({ ports }) => ports > 0);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** A new session; its id lets whoever may open the engine's socket resume it. */
  create(): RelayClaim {
    this.#makeRoom();
    const { limits } = this.#options;
    const mux = new MuxSession({
      side: 'server',
      ...(limits ? { limits } : {}),
      onOpen: (stream, header) => this.#open(session, stream, header),
      onLost: (reason) => this.#lost(session, reason),
      onClosed: () => this.#drop(session),
    });
    const session: Session = { id: randomBytes(32).toString('base64url'), mux, ports: 0, forget: undefined, claims: 0 };
    this.#sessions.set(session.id, session);
    return this.#claim(session);
  }

  /** A session whose link comes back; it leaves its old carrier. Throws RELAY_SESSION_UNKNOWN. */
  claim(id: string): RelayClaim {
    return this.#claim(this.#find(id));
  }

  /** The session runs over this connection from now on. Throws MUX_RESUME_IMPOSSIBLE, and then the session is over. */
  attach({ id, claim }: RelayClaim, carrier: Duplex, peerReceived: number): void {
    const session = this.#find(id);
    if (claim !== session.claims) throw conflict({ what: 'the relay', detail: 'another connection carries the session' });
    try {
      session.mux.attach(carrier, peerReceived);
    } catch (error) {
      session.mux.close({ code: 'RESUME_IMPOSSIBLE', detail: asBerthError(error).message });
      throw error;
    }
    clearTimeout(session.forget);
    this.#options.log.info('a link is here', { session: id.slice(0, 6), streams: session.mux.size });
  }

  /** Ends every session; their clients are told why. */
  close(reason: Reason): void {
    for (const { mux } of [...this.#sessions.values()]) mux.close(reason);
  }

  #find(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw relaySessionUnknown({});
    return session;
  }

  #claim(session: Session): RelayClaim {
    session.mux.detach();
    this.#wait(session);
    session.claims += 1;
    return { id: session.id, received: session.mux.received, claim: session.claims };
  }

  #lost(session: Session, reason: string): void {
    this.#options.log.info('a link is lost', { session: session.id.slice(0, 6), streams: session.mux.size, reason });
    this.#wait(session);
  }

  #wait(session: Session): void {
    clearTimeout(session.forget);
    session.forget = setTimeout(() => session.mux.close({ code: 'LINK_AWAY', detail: 'the link was away for too long' }), this.#options.patienceMs);
    session.forget.unref();
  }

  #drop(session: Session): void {
    clearTimeout(session.forget);
    this.#sessions.delete(session.id);
  }

  /** Sessions that nothing uses and whose link is away go first. */
  #makeRoom(): void {
    if (this.#sessions.size < maxSessions) return;
    const idle = [...this.#sessions.values()].find(({ mux }) => !mux.attached && mux.size === 0) ?? [...this.#sessions.values()].find(({ mux }) => !mux.attached);
    if (!idle) throw badRequest({ what: 'POST /berth/v1/relay', detail: `there are ${maxSessions} links already` });
    idle.mux.close({ code: 'LINK_AWAY', detail: 'other links needed the room' });
  }

  #open(session: Session, stream: MuxStream, header: Buffer): void {
    try {
      const target = relayTargetSchema.parse(JSON.parse(header.toString()));
      if (target.kind === 'api') this.#options.accept(stream);
      else this.#dial(session, stream, target);
    } catch (error) {
      stream.destroy(badRequest({ what: 'The header of a stream', detail: error instanceof Error ? error.message : String(error) }));
    }
  }

  #dial(session: Session, stream: MuxStream, target: Exclude<RelayTarget, { kind: 'api' }>): void {
    let host: string;
    try {
      host = target.kind === 'host-port' ? '127.0.0.1' : this.#options.containerAddress(target.container);
    } catch (error) {
      stream.destroy(asBerthError(error));
      return;
    }
    session.ports += 1;
    stream.once('close', () => (session.ports -= 1));
    const socket = connect({ host, port: target.port, allowHalfOpen: true, noDelay: true });
    stream.once('close', () => socket.destroy());
    socket.once('error', (error) => stream.destroy(relayTargetUnreachable({ target: `${host}:${target.port}`, reason: error.message })));
    socket.once('connect', () => void joinStreams(stream, socket));
  }
}
