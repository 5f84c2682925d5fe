import type { LinkStatus } from '../../api/berth/link.ts';
import type { Progress } from '../../base/context.ts';
import { asBerthError, BerthError, cancelled } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Reason } from '../../base/mux/frame.ts';
import type { MuxLimits } from '../../base/mux/limits.ts';
import type { MuxSession } from '../../base/mux/muxSession.ts';
import type { Question } from '../connection.ts';
import { backOff } from './backOff.ts';
import { EngineSession } from './engineSession.ts';
import type { LinkTarget } from './engineSession.ts';
import { hasCode } from './engineStream.ts';
import { linkNeedsAnswer } from './errors.ts';
import { Questions } from './questions.ts';

export interface LinkOptions {
  /** The name the user gave the host. */
  readonly host: string;
  readonly target: LinkTarget;
  readonly log: Log;
  readonly limits?: Partial<MuxLimits>;
  readonly answerMs?: number;
  /** The state is another one now. */
  readonly onChange: () => void;
  /** A new session is there (one that is resumed goes on as if nothing had been). */
  readonly onSession?: () => void;
}

export type LinkState = Pick<LinkStatus, 'state' | 'step' | 'question' | 'error' | 'attempt' | 'retryAt' | 'engineServes'>;
type Told = NonNullable<LinkState['error']>;
type Phase = Omit<LinkState, 'question' | 'engineServes'>;

/** Keeps one host's engine reachable: connects when somebody needs it, and again whenever the connection is lost. */
export class Link {
  readonly questions: Questions;
  readonly #options: LinkOptions;
  readonly #session: EngineSession;
  readonly #stopped = new AbortController();
  #phase: Phase = { state: 'idle' };
  #work: Promise<void> | undefined;
  #unanswered: Error | undefined;
  #hurry: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.questions = new Questions(() => options.onChange());
    this.#session = new EngineSession({
      target: options.target,
      ask: (question, signal) => this.#ask(question, signal),
      ...(options.limits ? { limits: options.limits } : {}),
      answerMs: options.answerMs ?? 15_000,
      onLost: (reason) => this.#lost(reason),
      onClosed: (reason) => this.#closed(reason),
    });
  }

  get state(): LinkState {
    const question = this.questions.current;
    const engineServes = this.#session.mux?.attached ?? false;
    return { ...this.#phase, ...(question ? { state: 'asking', question } : {}), engineServes };
  }

  /** The session, attached or waiting for its connection. */
  get session(): MuxSession | undefined {
    return this.#session.mux;
  }

  /** A session for new streams. While the connection is lost its streams wait; after a failure this tries again. Throws why there is none. */
  async need(): Promise<MuxSession> {
    const { mux } = this.#session;
    if (mux && (mux.attached || this.#phase.state === 'reconnecting')) return mux;
    await (this.#work ??= this.#connect());
    const made = this.#session.mux;
    if (!made) throw cancelled({ what: 'The connection' });
    return made;
  }

  /** Does not wait for the next attempt; the computer woke up, or somebody asks. */
  hurry(): void {
    if (this.#phase.state === 'reconnecting') this.#hurry();
    else this.#session.mux?.probe(3000);
  }

  async stop(reason: Reason): Promise<void> {
    this.#stopped.abort();
    await this.#session.close(reason);
    this.#enter({ state: 'idle' });
  }

  async #connect(): Promise<void> {
    try {
      await this.#attempt({ state: 'connecting' });
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#work = undefined;
    }
  }

  async #attempt(phase: Phase): Promise<void> {
    const before = this.#session.mux;
    this.#unanswered = undefined;
    this.#enter(phase);
    try {
      await this.#session.connect({ signal: this.#stopped.signal, report: (progress) => this.#step(stepText(progress)) });
    } catch (error) {
      throw this.#unanswered ?? error;
    }
    this.#options.log.info('connected');
    this.#enter({ state: 'connected' });
    if (this.#session.mux !== before) this.#options.onSession?.();
  }

  #step(step: string): void {
    if (step !== this.#phase.step) this.#enter({ ...this.#phase, step });
  }

  #fail(error: unknown): void {
    const told = toTell(error);
    this.#options.log.warn('failed', { code: told.code, reason: told.message });
    if (!this.#stopped.signal.aborted) this.#enter({ state: 'failed', error: told });
  }

  #lost(reason: string): void {
    this.#options.log.info('lost', { reason });
    if (this.#stopped.signal.aborted) return;
    this.#work ??= this.#reconnect({ code: 'LINK_LOST', message: reason, params: {} }).finally(() => (this.#work = undefined));
    this.#work.catch(() => undefined);
  }

  /** The engine said that the session is over, which is no failure of the link: the next request makes another. */
  #closed(reason: Reason): void {
    this.#options.log.info('the session is over', { ...reason });
    if (!this.#work && !this.#stopped.signal.aborted) this.#enter({ state: 'connected' });
  }

  async #reconnect(first: Told): Promise<void> {
    let error = first;
    for (let attempt = 1; ; attempt += 1) {
      await this.#pause(attempt, error);
      if (this.#stopped.signal.aborted) return;
      try {
        await this.#attempt({ state: 'reconnecting', attempt, error });
        return;
      } catch (caught) {
        if (isPermanent(caught)) return this.#fail(caught);
        error = toTell(caught);
        this.#options.log.info('not yet', { attempt, code: error.code, reason: error.message });
      }
    }
  }

  async #pause(attempt: number, error: Told): Promise<void> {
    const ms = backOff(attempt, Math.random());
    this.#enter({ state: 'reconnecting', attempt, error, retryAt: new Date(Date.now() + ms).toISOString() });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      const { signal } = this.#stopped;
      const stopped = (): void => this.#hurry();
      signal.addEventListener('abort', stopped, { once: true });
      this.#hurry = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stopped);
        resolve();
      };
    });
  }

  async #ask(question: Question, signal: AbortSignal): Promise<readonly string[] | undefined> {
    const answers = await this.questions.ask(question, signal);
    if (answers === undefined && !signal.aborted) this.#unanswered = linkNeedsAnswer({ host: this.#options.host, question: nameOf(question) });
    return answers;
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#options.onChange();
  }
}

/** What is being done, with how far it is in steps of one per cent. */
function stepText({ status, current, total }: Progress): string {
  return current === undefined || total === undefined || total === 0 ? status : `${status} ${Math.floor((100 * current) / total)} %`;
}

function toTell(error: unknown): Told {
  const { code, message, params } = asBerthError(error);
  return { code, message, params: Object.fromEntries(Object.entries(params).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))) };
}

/** What another attempt would not mend: refused logins, changed keys, wrong settings. An engine that is just being started anew is none of these. */
function isPermanent(error: unknown): boolean {
  return !hasCode(error, 'REMOTE_SOCKET_MISSING') && error instanceof BerthError && error.status >= 400 && error.status < 500;
}

function nameOf(question: Question): string {
  switch (question.kind) {
    case 'host-key':
      return `a decision about its key (${question.keyType} ${question.fingerprint})`;
    case 'password':
      return `the password of ${question.user}`;
    case 'passphrase':
      return `the passphrase of ${question.keyFile}`;
    case 'keyboard-interactive':
      return question.prompts.map(({ prompt }) => prompt.trim()).join(', ') || 'an answer';
  }
}
