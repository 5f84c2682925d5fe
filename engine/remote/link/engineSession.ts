import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { OperationContext } from '../../base/context.ts';
import type { Reason } from '../../base/mux/frame.ts';
import type { MuxLimits } from '../../base/mux/limits.ts';
import { MuxSession } from '../../base/mux/muxSession.ts';
import type { Ask, HostConnection } from '../connection.ts';
import { hasCode, openEngineStream } from './engineStream.ts';
import type { PreparedHost } from './engineStream.ts';
import { linkFailed } from './errors.ts';
import { askForRelay } from './relayClient.ts';
import type { RelayCarrier } from './relayClient.ts';

/** How a host is reached; what SSH and the installer do. */
export interface LinkTarget {
  /** Connects and authenticates. */
  dial(options: { readonly ask: Ask } & OperationContext): Promise<HostConnection>;
  /** Makes sure that the host has an engine, and says where. */
  prepare(connection: HostConnection, ctx: OperationContext): Promise<PreparedHost>;
  /** What `prepare` said the last time, if it can be trusted to be still so; saves its round trips. */
  readonly remembered: { load(): Promise<PreparedHost | undefined>; save(host: PreparedHost): Promise<void> };
}

export interface EngineSessionOptions {
  readonly target: LinkTarget;
  readonly ask: Ask;
  readonly limits?: Partial<MuxLimits>;
  /** An open channel that does not answer for so long is as good as closed. */
  readonly answerMs: number;
  readonly onLost: (reason: string) => void;
  /** The engine ended the session; streams of it are gone. */
  readonly onClosed: (reason: Reason) => void;
}

/** The way to one host's engine: a connection, and over it a session that outlives it. */
export class EngineSession {
  readonly #options: EngineSessionOptions;
  #connection: HostConnection | undefined;
  #host: PreparedHost | undefined;
  #carrier: Duplex | undefined;
  #session: { readonly id: string; readonly mux: MuxSession } | undefined;

  constructor(options: EngineSessionOptions) {
    this.#options = options;
  }

  /** The session, attached or waiting for a connection; `undefined`: none was made, or it is over. */
  get mux(): MuxSession | undefined {
    return this.#session?.mux.closed ? undefined : this.#session?.mux;
  }

  /** Connects what is not connected; afterwards `mux` is attached. */
  async connect(ctx: OperationContext): Promise<void> {
    const connection = await this.#reach(ctx);
    try {
      await this.#carry(connection, ctx);
    } catch (error) {
      // The connection may be what is wrong: the next attempt makes its own.
      await this.#hangUp();
      throw error;
    }
  }

  /** Ends the session on the host too, if it can be told. */
  async close(reason: Reason): Promise<void> {
    const carrier = this.#carrier;
    this.#session?.mux.close(reason);
    if (carrier && !carrier.closed) await Promise.race([once(carrier, 'close'), delay(500)]);
    await this.#hangUp();
  }

  async #reach(ctx: OperationContext): Promise<HostConnection> {
    if (this.#connection) return this.#connection;
    ctx.report({ status: 'connecting' });
    const connection = await this.#options.target.dial({ ...ctx, ask: this.#options.ask });
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  async #hangUp(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close().catch(() => undefined);
  }

  async #carry(connection: HostConnection, ctx: OperationContext): Promise<void> {
    const old = this.mux === undefined ? undefined : this.#session;
    old?.mux.detach();
    try {
      const answer = await this.#ask(connection, old && { id: old.id, received: old.mux.received }, ctx);
      if (old) {
        this.#carrier = answer.carrier;
        return old.mux.attach(answer.carrier, answer.received);
      }
      this.#begin(answer);
    } catch (error) {
      if (!old || !(hasCode(error, 'RELAY_SESSION_OVER') || hasCode(error, 'MUX_RESUME_IMPOSSIBLE'))) throw error;
      old.mux.close({ code: 'SESSION_OVER', detail: error instanceof Error ? error.message : String(error) });
      this.#begin(await this.#ask(connection, undefined, ctx));
    }
  }

  async #ask(connection: HostConnection, resume: { id: string; received: number } | undefined, ctx: OperationContext): Promise<RelayCarrier> {
    const stream = await this.#openStream(connection, ctx);
    ctx.report({ status: 'joining the engine' });
    const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(this.#options.answerMs)]);
    return askForRelay(stream, resume, signal);
  }

  async #openStream(connection: HostConnection, ctx: OperationContext): Promise<Duplex> {
    const { target, answerMs } = this.#options;
    const known = this.#host ?? (await target.remembered.load());
    if (known) {
      try {
        const stream = await inTime(openEngineStream(connection, known, ctx), Math.max(answerMs, 60_000), connection);
        this.#host = known;
        return stream;
      } catch (error) {
        // An engine that is not where it was: look again. Anything else is not the host's doing.
        if (!hasCode(error, 'REMOTE_ENGINE_DID_NOT_START') && !hasCode(error, 'REMOTE_SOCKET_MISSING')) throw error;
        this.#host = undefined;
      }
    }
    ctx.report({ status: 'looking for the engine' });
    const host = await target.prepare(connection, ctx);
    const stream = await openEngineStream(connection, host, ctx);
    this.#host = host;
    await target.remembered.save(host);
    return stream;
  }

  #begin({ id, received, carrier }: RelayCarrier): void {
    const { limits, onLost, onClosed } = this.#options;
    const mux = new MuxSession({
      side: 'client',
      ...(limits ? { limits } : {}),
      onOpen: (stream) => void stream.destroy(),
      onLost: (reason, silent) => void (silent ? this.#hangUp().then(() => onLost(reason)) : onLost(reason)),
      onClosed,
    });
    this.#session = { id, mux };
    this.#carrier = carrier;
    mux.attach(carrier, received);
  }
}

/** Starting an engine takes a while; a connection that died says nothing at all. */
async function inTime(opening: Promise<Duplex>, ms: number, connection: HostConnection): Promise<Duplex> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(linkFailed({ host: connection.description, detail: `no answer within ${ms / 1000} s` })), ms)));
  opening.catch(() => undefined); // whoever comes second is not heard
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
  }
}
