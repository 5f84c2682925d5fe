import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../host/process.ts';
import type { HostConnection, RemoteProcess } from '../connection.ts';
import { childStream } from './childStream.ts';
import { listens } from './ssh2Connection.ts';
import { remotePortClosed, remoteSocketMissing, sshChannelRefused, sshLinkLost, streamlocalRefused, tcpForwardingRefused } from './sshErrors.ts';
import type { SshMaster } from './sshMaster.ts';

export interface SystemParts {
  readonly host: string;
  /** The user's alone; holds the sockets. */
  readonly folder: string;
  readonly control: string;
  readonly master: SshMaster;
  readonly env: NodeJS.ProcessEnv;
  /** Takes everything down. */
  readonly gone: () => Promise<void>;
}

const REASON_MS = 300;

/** A connection that a master of the system's ssh holds. */
export class SystemConnection implements HostConnection {
  readonly description: string;
  readonly closed: Promise<Error | undefined>;
  readonly #parts: SystemParts;
  readonly #forwards = new Map<string, Promise<string>>();
  readonly #proven = new Set<string>();
  #closing = false;

  constructor(parts: SystemParts) {
    this.#parts = parts;
    this.description = parts.host;
    this.closed = parts.master.ended.then(async () => {
      await parts.gone();
      return this.#closing ? undefined : this.#lost();
    });
  }

  exec(command: string): Promise<RemoteProcess> {
    return new Promise((resolve, reject) => {
      if (this.#parts.master.status || this.#closing) return reject(this.#lost());
      const child = this.#start(['-T'], [command]);
      const { stdin, stdout, stderr } = child;
      if (!stdin || !stdout || !stderr) return reject(sshChannelRefused({ host: this.description, detail: 'ssh could not be started' }));
      stdin.on('error', () => undefined); // writing to a command that has ended: its end says so
      let killed = false;
      const exit = new Promise<{ code?: number; signal?: string }>((done) => {
        // ssh's own status says nothing about a command that was not waited for.
        child.once('close', (code, signal) => done(killed ? {} : code !== null ? { code } : signal !== null ? { signal } : {}));
        child.once('error', () => done({}));
      });
      // The master holds the pipes too: their ends on this side are closed, so that the command's end need not be waited for.
      const kill = (): void => {
        killed = true;
        child.kill();
        for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
      };
      child.once('spawn', () => resolve({ stdin, stdout, stderr, exit, kill }));
      child.once('error', (error) => reject(sshChannelRefused({ host: this.description, detail: error.message }, { cause: error })));
    });
  }

  async openTcp(host: string, port: number): Promise<Duplex> {
    if (this.#parts.master.status || this.#closing) throw this.#lost();
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const before = this.#parts.master.mark;
    const child = this.#start(['-W', address, '-o', 'LogLevel=DEBUG1'], []);
    if (await opened(child)) return childStream(child);
    const detail = (await this.#refusal(before)) ?? 'ssh could not open it';
    throw /prohibited/.test(detail) ? tcpForwardingRefused({ host: this.description, address, detail }) : remotePortClosed({ host: this.description, address, detail });
  }

  /** The first stream to a path is proven to arrive; later ones to the same path just open, and end at once where nothing listens any more. */
  async openStreamLocal(path: string): Promise<Duplex> {
    if (this.#parts.master.status || this.#closing) throw this.#lost();
    let local = this.#forwards.get(path);
    if (!local) this.#forwards.set(path, (local = this.#forward(path)));
    const socket = connect({ path: await local, allowHalfOpen: true });
    await once(socket, 'connect');
    if (!this.#proven.has(path)) await this.#prove(socket, path);
    return socket;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#parts.master.stop();
    await this.closed;
  }

  /** The master answers in order: when a command started after the stream was opened has ended, the stream is open or refused. */
  async #prove(socket: Socket, path: string): Promise<void> {
    let over = false;
    const look = (): void => void (over = over || socket.readableLength === 0);
    socket.once('readable', look);
    const there = await listens(this, path);
    socket.off('readable', look);
    if (over) {
      socket.destroy();
      throw there ? streamlocalRefused({ host: this.description, path }) : remoteSocketMissing({ host: this.description, path });
    }
    this.#proven.add(path);
  }

  async #forward(path: string): Promise<string> {
    const local = join(this.#parts.folder, `f${this.#forwards.size}`);
    try {
      await run('ssh', [...this.#shared(), '-O', 'forward', '-L', `${local}:${path}`, 'host'], { env: this.#parts.env });
      return local;
    } catch (error) {
      this.#forwards.delete(path);
      throw error;
    }
  }

  #start(options: readonly string[], command: readonly string[]): ChildProcess {
    return start('ssh', [...this.#shared(), ...options, '--', 'host', ...command], { env: this.#parts.env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Through the master or not at all: without it ssh would connect anew, so that way leads nowhere. */
  #shared(): string[] {
    return ['-F', 'none', '-S', this.#parts.control, '-o', 'ControlMaster=no', '-o', 'ProxyCommand=exit 1', '-o', 'BatchMode=yes'];
  }

  /** What the master said about a channel that was refused since. */
  async #refusal(since: number): Promise<string | undefined> {
    for (const end = Date.now() + REASON_MS; Date.now() < end; await delay(10)) {
      const found = /open failed: (.*)/.exec(this.#parts.master.saidSince(since))?.[1];
      if (found !== undefined) return found.trim();
    }
    return undefined;
  }

  #lost(): Error {
    return sshLinkLost({ host: this.description, detail: this.#parts.master.said.trim().split('\n').at(-1) || 'ssh ended' });
  }
}

/** Whether ssh says that its stream is open, before it ends. */
function opened(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-4_000);
      if (said.includes('master session id')) resolve(true);
    });
    child.once('close', () => resolve(false));
    child.once('error', () => resolve(false));
  });
}
