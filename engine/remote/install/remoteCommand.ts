import type { Readable } from 'node:stream';
import { BerthError, cancelled, defineError } from '../../base/errors.ts';
import type { HostConnection, RemoteProcess } from '../connection.ts';

export const remoteConnectionLost = defineError<{ host: string; step: string }>('REMOTE_CONNECTION_LOST', 503, (p) => `The connection to ${p.host} was lost (step: ${p.step}). Connect again: what was done there is gone on with.`);

export interface RemoteResult {
  /** Absent when a signal ended it, or when the connection was lost. */
  readonly code?: number;
  /** It may have ended, or go on: nobody was there to hear. */
  readonly lost: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command on a host to its end and returns what it printed. `step`: what it is for, for people. */
export async function runRemote(connection: HostConnection, command: string, signal: AbortSignal, step: string): Promise<RemoteResult> {
  const running = await RunningCommand.start(connection, command, signal, step);
  running.process.stdin.end();
  return running.result();
}

/** A command that runs on a host; ended when the work is cancelled. */
export class RunningCommand {
  readonly process: RemoteProcess;
  readonly #signal: AbortSignal;
  readonly #abort: () => void;
  readonly #stdout: Collected;
  readonly #stderr: Collected;

  private constructor(process: RemoteProcess, signal: AbortSignal) {
    this.process = process;
    this.#signal = signal;
    this.#abort = () => process.kill();
    signal.addEventListener('abort', this.#abort, { once: true });
    this.#stdout = new Collected(process.stdout);
    this.#stderr = new Collected(process.stderr);
    process.stdin.on('error', () => undefined); // a command that does not read to the end says why by what it prints
  }

  /** Throws REMOTE_CONNECTION_LOST, with the step, where it could not be begun. */
  static async start(connection: HostConnection, command: string, signal: AbortSignal, step: string): Promise<RunningCommand> {
    if (signal.aborted) throw cancelled({ what: 'The work on the host' });
    try {
      return new RunningCommand(await connection.exec(command), signal);
    } catch (cause) {
      throw cause instanceof BerthError && cause.code === 'SSH_LINK_LOST' ? remoteConnectionLost({ host: connection.description, step }, { cause }) : cause;
    }
  }

  /** Waits for a line that it prints; `undefined`: it ended without one. Login scripts may print something before. */
  async line(pattern: RegExp): Promise<RegExpExecArray | undefined> {
    for (;;) {
      const found = pattern.exec(this.#stdout.text.slice(0, this.#stdout.text.lastIndexOf('\n') + 1));
      if (found || this.#stdout.ended) return found ?? undefined;
      await this.#stdout.more();
    }
  }

  async result(): Promise<RemoteResult> {
    const { code, signal } = await this.process.exit;
    const lost = code === undefined && signal === undefined;
    while (!lost && !this.#stdout.ended) await this.#stdout.more();
    while (!lost && !this.#stderr.ended) await this.#stderr.more();
    this.#signal.removeEventListener('abort', this.#abort);
    if (this.#signal.aborted) throw cancelled({ what: 'The work on the host' });
    return { ...(code === undefined ? {} : { code }), lost, stdout: this.#stdout.text, stderr: this.#stderr.text };
  }
}

const LIMIT = 1024 * 1024;

class Collected {
  text = '';
  ended = false;
  #wake: () => void = () => undefined;

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      if (this.text.length < LIMIT) this.text += chunk;
      this.#wake();
    });
    for (const event of ['end', 'close', 'error']) {
      stream.once(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
  }

  /** Resolves when there is more, or when there will be none. */
  more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
