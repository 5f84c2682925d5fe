import type { Duplex } from 'node:stream';
import type { ClientChannel, Client } from 'ssh2';
import { quoteForShell } from '../connection.ts';
import type { HostConnection, RemoteProcess } from '../connection.ts';
import { atMost } from './patience.ts';
import { remotePortClosed, remoteSocketMissing, sshChannelRefused, sshLinkLost, streamlocalRefused, tcpForwardingRefused } from './sshErrors.ts';

const PROHIBITED = 1;
const GOODBYE_MS = 1_000;

/** A connection that ssh2 has made and that has been let in. */
export class Ssh2Connection implements HostConnection {
  readonly description: string;
  readonly closed: Promise<Error | undefined>;
  readonly #client: Client;
  #reason: string | undefined;
  #closing = false;
  #gone = false;

  /** `gone`: takes down what carried it (a jump host's connection). */
  constructor(client: Client, description: string, gone: () => Promise<void>) {
    this.#client = client;
    this.description = description;
    client.on('error', (error) => (this.#reason ??= words(error)));
    this.closed = new Promise((resolve) => {
      client.once('close', () => {
        this.#gone = true;
        void gone();
        resolve(this.#closing ? undefined : this.#lost());
      });
    });
  }

  exec(command: string): Promise<RemoteProcess> {
    return this.#open((done) => this.#client.exec(command, done), remoteProcess, (error) => sshChannelRefused({ host: this.description, detail: error.message }, { cause: error }));
  }

  async openStreamLocal(path: string): Promise<Duplex> {
    try {
      return await this.#open((done) => this.#client.openssh_forwardOutStreamLocal(path, done), (channel) => channel, (error) => error);
    } catch (cause) {
      if (sshLinkLost.is(cause)) throw cause;
      // sshd gives the same answer for "may not" and "is not there": only the host itself knows.
      throw (await listens(this, path)) ? streamlocalRefused({ host: this.description, path }, { cause }) : remoteSocketMissing({ host: this.description, path }, { cause });
    }
  }

  openTcp(host: string, port: number): Promise<Duplex> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const explain = (error: Error): Error => {
      const parts = { host: this.description, address, detail: error.message.replace(/^\(SSH\) Channel open failure: /, '') };
      return 'reason' in error && error.reason === PROHIBITED ? tcpForwardingRefused(parts, { cause: error }) : remotePortClosed(parts, { cause: error });
    };
    return this.#open((done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done), (channel) => channel, explain);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#client.end();
    // On a dead link nobody answers the goodbye.
    await atMost(GOODBYE_MS, this.closed);
    this.#client.destroy();
    await atMost(GOODBYE_MS, this.closed);
  }

  #open<T>(request: (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown, wrap: (channel: ClientChannel) => T, explain: (error: Error) => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        request((error, channel) => {
          if (!error) return resolve(wrap(channel));
          // On a connection that ended ssh2 lets every request fail, as if the host had refused it, before it says so.
          setImmediate(() => reject(this.#gone || /^No response from server$|^Not connected$/.test(error.message) ? this.#lost(error) : explain(error)));
        });
      } catch (error) {
        reject(this.#lost(error));
      }
    });
  }

  #lost(cause?: unknown): Error {
    return sshLinkLost({ host: this.description, detail: this.#reason ?? 'the host ended it' }, { cause });
  }
}

function words(error: Error): string {
  if (error.message === 'Keepalive timeout') return 'the host did not answer any more';
  return error.message;
}

function remoteProcess(channel: ClientChannel): RemoteProcess {
  let end: { code?: number; signal?: string } = {};
  channel.on('exit', (code: number | null, signal?: string) => (end = code === null ? (signal === undefined ? {} : { signal }) : { code }));
  channel.on('error', () => undefined); // writing to a process that has ended: its end says so
  let giveUp: () => void = () => undefined;
  const exit = new Promise<{ code?: number; signal?: string }>((resolve) => {
    giveUp = () => resolve(end);
    channel.once('close', giveUp);
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exit,
    kill: () => {
      if (channel.destroyed) return;
      channel.signal('KILL');
      channel.close();
      // sshd sends no signals for root (it has no monitor process then): the command sees the end of its input, and we do not wait for it.
      setTimeout(() => {
        channel.destroy();
        giveUp();
      }, GOODBYE_MS).unref();
    },
  };
}

/** Whether a socket that this user may write to is bound there, by the kernel's own list. */
export async function listens(connection: HostConnection, path: string): Promise<boolean> {
  const word = quoteForShell(path);
  const child = await connection.exec(`[ -w ${word} ] && { [ ! -r /proc/net/unix ] || grep -qF -- ${word} /proc/net/unix; }`).catch(() => undefined);
  child?.stdout.resume();
  child?.stderr.resume();
  return (await child?.exit)?.code === 0;
}
