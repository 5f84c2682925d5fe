import type { ServerChannel, Session } from 'ssh2';
import type { Log } from '../base/log.ts';
import { asBerthError } from '../base/errors.ts';
import type { AgentLauncher } from './agentProcess.ts';
import { transferFiles } from './fileTransfer.ts';
import type { Forwards } from './forwards.ts';
import type { EndpointExecs } from './ports.ts';
import { ChannelProcess } from './process.ts';
import type { Terminal } from './process.ts';
import { scpArguments } from './scpCommand.ts';
import type { ConnectionTarget, Login } from './target.ts';
import { setTerminalModes } from './terminalModes.ts';
import type { Modes } from './terminalModes.ts';

export interface SessionParts {
  readonly execs: EndpointExecs;
  readonly launcher: AgentLauncher;
  readonly log: Log;
  readonly target: ConnectionTarget;
  readonly login: Login;
  readonly forwards: Forwards;
  /** Further environment for every process of the connection. */
  readonly env: () => Promise<readonly string[]>;
}

const CANNOT_START = 126;

/** One session channel: a process with or without a terminal, or a subsystem. */
export class EndpointSession {
  readonly #parts: SessionParts;
  readonly #env = new Map<string, string>();
  #terminal: (Terminal & { readonly type: string; readonly modes: Modes }) | undefined;
  #agent = false;
  #process: Promise<ChannelProcess> | undefined;

  constructor(session: Session, parts: SessionParts) {
    this.#parts = parts;
    session.on('env', (accept, reject, { key, val }) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || val.includes('\0')) return reject?.();
      this.#env.set(key, val);
      accept?.();
    });
    session.on('pty', (accept, _reject, { term, rows, cols, modes }) => {
      this.#terminal = { rows: rows || 24, columns: cols || 80, type: term || 'xterm', modes: { ...modes } };
      accept?.();
    });
    session.on('window-change', (accept, _reject, { rows, cols }) => {
      accept?.();
      if (this.#terminal) this.#terminal = { ...this.#terminal, rows, columns: cols };
      void this.#process?.then((process) => process.resize(rows, cols)).catch(() => undefined); // it has ended
    });
    session.on('signal', (accept, _reject, { name }) => {
      accept?.();
      void this.#process?.then((process) => process.signal(name)).catch(() => undefined);
    });
    session.on('auth-agent', (accept) => {
      this.#agent = true;
      accept?.();
    });
    // Accepted at once: ssh2 drops what a client sends to a channel that is not.
    session.on('shell', (accept) => void this.#run(accept(), [parts.login.shell, '-l']));
    session.on('exec', (accept, _reject, { command }) => {
      const scp = this.#terminal ? undefined : scpArguments(command);
      if (scp) void this.#guard(accept(), (channel) => transferFiles(parts, channel, 'scp', scp));
      else void this.#run(accept(), [parts.login.shell, '-c', command]);
    });
    session.on('subsystem', (accept, reject, { name }) => (name === 'sftp' ? void this.#guard(accept(), (channel) => transferFiles(parts, channel, 'sftp')) : reject()));
  }

  async #run(channel: ServerChannel, command: readonly string[]): Promise<void> {
    channel.pause();
    await this.#guard(channel, async () => {
      const { execs, login, target } = this.#parts;
      const env = [...(await this.#parts.env()), ...(await this.#agentEnv()), ...this.#ownEnv()];
      const process = new ChannelProcess(execs, channel, { containerId: target.container.id, login, command, env, terminal: this.#terminal });
      this.#process = Promise.resolve(process);
      const { modes } = this.#terminal ?? {};
      if (modes) void process.whenStarted().then((pid) => setTerminalModes(pid, modes)).catch(() => undefined); // a terminal with default modes is one, too
      await process.run();
    });
  }

  /** What goes wrong is said to the client, as a shell would. */
  async #guard(channel: ServerChannel, work: (channel: ServerChannel) => Promise<void>): Promise<void> {
    channel.on('error', () => undefined);
    try {
      await work(channel);
    } catch (error) {
      const known = asBerthError(error);
      this.#parts.log.warn('an SSH session failed', { container: this.#parts.target.container.id, code: known.code, detail: known.message });
      channel.stderr.write(`berth: ${known.message} [${known.code}]\r\n`);
      channel.exit(CANNOT_START);
      channel.end();
    }
  }

  #ownEnv(): string[] {
    const term = this.#terminal ? [`TERM=${this.#terminal.type}`] : [];
    return [...term, ...[...this.#env].map(([name, value]) => `${name}=${value}`)];
  }

  async #agentEnv(): Promise<string[]> {
    if (!this.#agent) return [];
    try {
      return [`SSH_AUTH_SOCK=${await this.#parts.forwards.agentSocket()}`];
    } catch (error) {
      this.#parts.log.warn('the ssh-agent could not be forwarded', { container: this.#parts.target.container.id, error });
      return [];
    }
  }
}
