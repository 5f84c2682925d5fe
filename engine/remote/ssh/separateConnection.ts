import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { cancelled } from '../../base/errors.ts';
import { start } from '../../host/process.ts';
import type { HostConnection, RemoteProcess } from '../connection.ts';
import { shellCommand } from '../install/shellCommand.ts';
import type { Patience } from './patience.ts';
import { sshChannelRefused, sshLinkLost, sshTimedOut, streamlocalRefused } from './sshErrors.ts';
import { systemSshError } from './systemSshErrors.ts';

export interface SeparateParts {
  readonly host: string;
  /** The user's alone; holds what each ssh says of itself. */
  readonly folder: string;
  /** Options and host. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Takes everything down. */
  readonly gone: () => Promise<void>;
}

interface Running {
  readonly child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };
  readonly exit: Promise<{ readonly code?: number; readonly signal?: string }>;
}

const LOOK_MS = 15;
/** ssh's own status, where it lost the connection. */
const LOST = 255;
/** Logged in, waits for its command: so that logging in and the first command are one connection. */
const READY = shellCommand('read -r line && exec /bin/sh -c "$line"', []);

/**
 * A host by a client that cannot share a connection (OpenSSH for Windows): each command is an ssh process that logs in. There are few: a
 * host that is ready is reached by one, which carries everything else in streams of our own.
 */
export class SeparateConnection implements HostConnection {
  readonly description: string;
  readonly closed: Promise<Error | undefined>;
  readonly #parts: SeparateParts;
  readonly #running = new Set<Running>();
  #ready: Running | undefined;
  #count = 0;
  #closing = false;
  #over: () => void = () => undefined;

  private constructor(parts: SeparateParts) {
    this.#parts = parts;
    this.description = parts.host;
    this.closed = new Promise((resolve) => (this.#over = () => resolve(undefined)));
  }

  /** Logs in. Throws why it cannot be. */
  static async open(parts: SeparateParts, patience: Patience, expired: () => boolean): Promise<SeparateConnection> {
    const connection = new SeparateConnection(parts);
    connection.#ready = await connection.#begin(READY, () => {
      if (expired()) throw sshTimedOut({ host: parts.host, step: 'ssh', seconds: patience.seconds });
    });
    return connection;
  }

  async exec(command: string): Promise<RemoteProcess> {
    if (this.#closing) throw sshLinkLost({ host: this.description, detail: 'it was closed' });
    const ready = this.#ready;
    this.#ready = undefined;
    const usable = ready !== undefined && ready.child.exitCode === null && ready.child.signalCode === null && !command.includes('\n');
    if (ready && !usable) ready.child.kill();
    const { child, exit } = usable ? ready : await this.#begin(command);
    if (usable) child.stdin.write(`${command}\n`);
    const { stdin, stdout, stderr } = child;
    return { stdin, stdout, stderr, exit, kill: () => void child.kill() };
  }

  openStreamLocal(path: string): Promise<Duplex> {
    return Promise.reject(streamlocalRefused({ host: this.description, path }));
  }

  openTcp(host: string, port: number): Promise<Duplex> {
    return Promise.reject(sshChannelRefused({ host: this.description, detail: `this ssh forwards to nothing (${host}:${port})` }));
  }

  async close(): Promise<void> {
    this.#closing = true;
    const ends = [...this.#running].map(({ child, exit }) => {
      child.kill();
      return exit;
    });
    await Promise.all(ends);
    await this.#parts.gone();
    this.#over();
  }

  /** Resolves once ssh has logged in. `check` throws what ends the waiting. */
  async #begin(command: string, check: () => void = () => undefined): Promise<Running> {
    const { args, env, folder, host, signal } = this.#parts;
    const log = join(folder, `log${this.#count++}`);
    const running = this.#start(log, start('ssh', ['-E', log, ...args, command], { env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true }));
    const { child } = running;
    let ended: { readonly code?: number } | undefined;
    void running.exit.then((exit) => (ended = exit));
    try {
      for (let said = ''; !/^Authenticated to /m.test(said); said = await readLog(log)) {
        if (signal.aborted) throw cancelled({ what: `Connecting to ${host}` });
        check();
        if (ended) throw systemSshError(host, wordsIn(await readLog(log)), ended.code);
        await Promise.race([delay(LOOK_MS), running.exit]);
      }
      return running;
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  #start(log: string, child: ChildProcess): Running {
    const { stdin, stdout, stderr } = child;
    if (!stdin || !stdout || !stderr) throw sshChannelRefused({ host: this.description, detail: 'ssh could not be started' });
    stdin.on('error', () => undefined); // writing to a command that has ended: its end says so
    const exit = new Promise<{ code?: number; signal?: string }>((resolve) => {
      child.once('error', () => resolve({ code: 127 }));
      // What it printed must be read to its end before "close": a command that nobody waits for is not one.
      child.once('exit', (code) => void this.#ending(log, code).then(resolve));
    });
    const running: Running = { child: Object.assign(child, { stdin, stdout, stderr }), exit };
    this.#running.add(running);
    void exit.then(() => this.#running.delete(running));
    return running;
  }

  /** A command may end with the status that ssh has for a lost connection: what ssh itself said tells them apart. */
  async #ending(log: string, code: number | null): Promise<{ code?: number }> {
    if (code === null) return {};
    if (code !== LOST) return { code };
    return / rtype exit-status /.test(await readLog(log)) ? { code } : {};
  }
}

function readLog(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** What is not for those who look for faults in ssh. */
function wordsIn(log: string): string {
  return log.split(/\r?\n/).filter((line) => !line.startsWith('debug1: ')).join('\n');
}
