import type ssh2 from 'ssh2';
import type { BaseAgent, Client, ParsedKey } from 'ssh2';
import { cancelled } from '../../base/errors.ts';
import type { Ask, HostConnection } from '../connection.ts';
import { algorithmsFor } from './algorithms.ts';
import { Authentication } from './authentication.ts';
import type { SshEnvironment } from './environment.ts';
import type { HostConfig } from './hostConfig.ts';
import type { HostKeyCheck } from './hostKeyCheck.ts';
import { collectIdentities } from './identities.ts';
import type { Identities, Identity } from './identities.ts';
import { Patience } from './patience.ts';
import { hearRefusals, logInAtOnce, signAtOnce } from './ssh2Inside.ts';
import { Ssh2Connection } from './ssh2Connection.ts';
import { sshClosedAtOnce, sshHandshakeFailed, sshLinkLost, sshNotSsh, sshTimedOut } from './sshErrors.ts';
import { openTransportStream } from './transportStream.ts';
import type { TransportStream } from './transportStream.ts';

export interface Ssh2Options {
  readonly environment: SshEnvironment;
  readonly hostKeys: HostKeyCheck;
  readonly via: HostConnection | undefined;
  readonly ask: Ask;
  readonly signal: AbortSignal;
  /** Of the host, for people. */
  readonly host: string;
}

const USUAL_SECONDS = 30;
/** Where ssh_config is silent: a lost link is noticed within a minute. */
const USUAL_ALIVE_SECONDS = 15;

/** Connects and logs in by ssh2. Every error names the step that failed. Owns `via` from here on: it is closed with this connection, or when this fails. */
export async function connectBySsh2(config: HostConfig, options: Ssh2Options): Promise<HostConnection> {
  const library = (await import('ssh2')).default;
  const attempt = new Attempt(library, config, options);
  try {
    return await attempt.run();
  } catch (error) {
    await options.via?.close();
    throw error;
  }
}

class Attempt {
  readonly #library: typeof ssh2;
  readonly #config: HostConfig;
  readonly #options: Ssh2Options;
  readonly #patience: Patience;
  /** Takes down what a failed attempt has open. */
  readonly #stop = new AbortController();
  readonly #settled = new AbortController();
  #fail: (error: unknown) => void = () => undefined;

  constructor(library: typeof ssh2, config: HostConfig, options: Ssh2Options) {
    this.#library = library;
    this.#config = config;
    this.#options = options;
    const { host, signal } = options;
    this.#patience = new Patience(config.connectTimeoutSeconds ?? USUAL_SECONDS, 'tcp', (step) => this.#fail(sshTimedOut({ host, step, seconds: this.#patience.seconds })));
    signal.addEventListener('abort', () => this.#fail(cancelled({ what: `Connecting to ${host}` })), { once: true, signal: this.#settled.signal });
  }

  /** One promise that any step can reject; whatever it is, nothing stays open. */
  run(): Promise<HostConnection> {
    const result = new Promise<HostConnection>((resolve, reject) => {
      this.#fail = reject;
      if (this.#options.signal.aborted) throw cancelled({ what: `Connecting to ${this.#options.host}` });
      this.#connect().then(resolve, reject);
    });
    const settle = (): void => {
      this.#patience.end();
      this.#settled.abort();
    };
    return result.finally(settle).catch((error: unknown) => {
      this.#stop.abort();
      throw error;
    });
  }

  async #connect(): Promise<HostConnection> {
    const { environment, via, host } = this.#options;
    const ask: Ask = (question, signal) => this.#patience.whileAsking(this.#options.ask(question, signal));
    const parseKey = this.#library.utils.parseKey;
    const askPassphrase = async (keyFile: string): Promise<string | undefined> => (this.#config.batchMode ? undefined : (await ask({ kind: 'passphrase', keyFile }, this.#stop.signal))?.[0]);
    const [way, identities] = await Promise.all([openTransportStream(this.#config, { environment, via, host, signal: this.#stop.signal }), collectIdentities(this.#config, parseKey, askPassphrase)]);
    way.stream.on('error', () => undefined); // ssh2 listens too; what is made of it is in Progress
    const client = new this.#library.Client();
    this.#stop.signal.addEventListener('abort', () => {
      client.destroy();
      way.stream.destroy();
    });
    this.#stop.signal.throwIfAborted();
    this.#patience.step('key exchange');
    await this.#logIn(client, way, identities, ask);
    return new Ssh2Connection(client, host, async () => via?.close());
  }

  #logIn(client: Client, way: TransportStream, identities: Identities, ask: Ask): Promise<void> {
    const { host } = this.#options;
    const { algorithms, missing } = algorithmsFor(this.#config.algorithms, this.#options.hostKeys.knownTypes);
    if (missing.length > 0) throw sshHandshakeFailed({ host, detail: `of what ~/.ssh/config allows by ${missing.join(', ')} nothing is available here` });
    return new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => reject(error instanceof Error ? error : new Error(String(error)));
      const authentication = new Authentication({ config: this.#config, identities, agentOf: (identity) => this.#agentOf(identity), parseKey: this.#library.utils.parseKey, ask, signal: this.#stop.signal, host, fail });
      const progress = new Progress(way, host, authentication, fail);
      client.once('handshake', () => {
        progress.agreed = true;
        this.#patience.step('authentication');
      });
      client.once('ready', () => {
        progress.over = true;
        resolve();
      });
      client.on('error', (error) => progress.error(error));
      client.on('close', () => progress.closed());
      client.on('change password', () => fail(authentication.error('the password has expired: log in by ssh once to change it')));
      if (way.stream.destroyed) return progress.closed(); // while the keys were read
      client.connect({
        sock: way.stream,
        username: this.#config.user,
        algorithms,
        readyTimeout: 0,
        strictVendor: false,
        keepaliveInterval: (this.#config.serverAliveIntervalSeconds || USUAL_ALIVE_SECONDS) * 1_000,
        keepaliveCountMax: this.#config.serverAliveCountMax,
        authHandler: authentication.handler,
        hostVerifier: this.#verifier(ask, fail),
      });
      signAtOnce(client, identities.keys);
      logInAtOnce(client, this.#config.preferredAuthentications.includes('publickey') ? identities.keys[0] : undefined);
      hearRefusals(client, (allowed, partial) => authentication.heard(allowed, partial));
      progress.watch();
    });
  }

  /** Once accepted, a key is good for this connection's later key exchanges, and no other is. */
  #verifier(ask: Ask, fail: (error: unknown) => void): (key: Buffer, verify: (good: boolean) => void) => void {
    let accepted: Buffer | undefined;
    return (key, verify) => {
      if (accepted) return verify(accepted.equals(key));
      this.#options.hostKeys.check(key, ask, this.#stop.signal).then(
        () => {
          accepted = key;
          verify(true);
        },
        (error: unknown) => {
          fail(error);
          verify(false);
        },
      );
    };
  }

  #agentOf(identity: Identity): BaseAgent {
    const patience = this.#patience;
    const { signal } = this.#stop;
    return new (class extends this.#library.BaseAgent {
      override getIdentities(done: (error?: Error | null, keys?: ParsedKey[]) => void): void {
        done(null, [identity.key]);
      }
      override sign(_key: unknown, data: Buffer, options: unknown, done?: unknown): void {
        const answer = typeof done === 'function' ? done : typeof options === 'function' ? options : undefined;
        const hash: unknown = typeof options === 'object' && options !== null && 'hash' in options ? options.hash : undefined;
        patience.whileAsking(identity.sign(data, typeof hash === 'string' ? hash : undefined, signal)).then(
          (bytes) => void answer?.(null, bytes),
          (error: unknown) => void answer?.(error),
        );
      }
    })();
  }
}

/** Makes one clear error of what ssh2 and the stream say, in whatever order. */
class Progress {
  agreed = false;
  over = false;
  readonly #way: TransportStream;
  readonly #host: string;
  readonly #authentication: Authentication;
  readonly #fail: (error: unknown) => void;
  #first = Buffer.alloc(0);

  constructor(way: TransportStream, host: string, authentication: Authentication, fail: (error: unknown) => void) {
    this.#way = way;
    this.#host = host;
    this.#authentication = authentication;
    this.#fail = fail;
  }

  /** Keeps what the other side says first. Called when ssh2 holds the stream, which it has paused: nothing is lost to it. */
  watch(): void {
    this.#way.stream.on('data', (chunk: Buffer) => {
      if (this.#first.length < 200) this.#first = Buffer.concat([this.#first, chunk]).subarray(0, 200);
    });
  }

  error(error: Error & { level?: string }): void {
    if (this.over || error.level === 'agent') return; // one key of an agent that could not sign: the next is tried
    if (this.agreed && error.level === 'client-socket') this.closed(error);
    else if (this.agreed) this.#fail(/authentication methods failed/.test(error.message) ? this.#authentication.error() : this.#authentication.error(error.message, error));
    else if (error.level === 'handshake' && !/Connection lost/.test(error.message)) this.#fail(sshHandshakeFailed({ host: this.#host, detail: error.message }, { cause: error }));
    else this.closed(error);
  }

  closed(cause?: Error): void {
    if (this.over) return;
    this.over = true;
    const said = printable(this.#first);
    void this.#way.failure().then((known) => {
      if (known && !this.agreed) this.#fail(known);
      else if (this.agreed) this.#fail(this.#closedWhileLoggingIn(cause));
      else if (said.startsWith('SSH-')) this.#fail(sshHandshakeFailed({ host: this.#host, detail: `the server (${said.split(' | ')[0]}) closed the connection` }, { cause }));
      else if (said === '' || /exceeded maxstartups|not allowed at this time/i.test(said)) this.#fail(sshClosedAtOnce({ host: this.#host, said }, { cause }));
      else this.#fail(sshNotSsh({ host: this.#host, said }, { cause }));
    });
  }

  /** A server that has refused something may close for that; one that has not yet answered is simply gone, and may be there at the next attempt. */
  #closedWhileLoggingIn(cause: Error | undefined): Error {
    if (cause === undefined && this.#authentication.refused) return this.#authentication.error('the server closed the connection');
    return sshLinkLost({ host: this.#host, detail: `${cause?.message ?? 'the host closed it'} (step: authentication). Try again` }, { cause });
  }
}

function printable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\r?\n/g, ' | ').replace(/[^\x20-\x7e]/g, '.').replace(/[ |]+$/, '').slice(0, 120);
}
