import type { AuthContext, Connection } from 'ssh2';
import type { SshConnect } from '../api/berth/ssh.ts';
import type { Log } from '../base/log.ts';
import type { AgentLauncher } from './agentProcess.ts';
import type { ClientLinks } from './clientLinks.ts';
import { Forwards } from './forwards.ts';
import { gitEnv, listenForGit } from './gitCredentials.ts';
import type { EndpointExecs } from './ports.ts';
import type { Relay, RemoteListener } from './relay.ts';
import type { Lease, RelayPool } from './relayPool.ts';
import { EndpointSession } from './session.ts';
import type { ConnectionTarget, Login } from './target.ts';

export interface ConnectionParts {
  readonly execs: EndpointExecs;
  readonly launcher: AgentLauncher;
  readonly relays: RelayPool;
  readonly links: ClientLinks;
  readonly log: Log;
  readonly target: ConnectionTarget;
  readonly request: SshConnect;
  /** ssh2's, which is loaded only once somebody connects. */
  readonly verify: (publicKey: string, context: Extract<AuthContext, { method: 'publickey' }>) => boolean;
}

/** One authenticated SSH connection to a container, from its first byte to its last. */
export class EndpointConnection {
  readonly #parts: ConnectionParts;
  readonly #client: Connection;
  #lease: Lease | undefined;
  #warm: Lease | undefined;
  #forwards: Forwards | undefined;
  #git: Promise<RemoteListener> | undefined;
  #closed = false;

  constructor(client: Connection, parts: ConnectionParts) {
    this.#client = client;
    this.#parts = parts;
    client.on('error', (error) => parts.log.debug('an SSH connection had an error', { container: parts.target.container.id, error }));
    client.on('authentication', (context) => void this.#authenticate(context).catch(() => context.reject()));
    client.once('close', () => this.#close());
    if (parts.request.git?.credentials === true) void this.#warmUp().catch(() => undefined); // what is wrong shows when it is needed
  }

  /** The container has ended. */
  end(): void {
    this.#client.end();
  }

  /** Only a key that the API has been told of; the user names whom to run as. */
  async #authenticate(context: AuthContext): Promise<void> {
    const { target, verify } = this.#parts;
    if (context.method !== 'publickey' || context.key.algo !== 'ssh-ed25519') return context.reject(['publickey']);
    const key = context.key.data.toString('base64');
    if (!(await target.authorized()).includes(key)) return context.reject(['publickey']);
    if (context.signature === undefined) return context.accept();
    if (!verify(`ssh-ed25519 ${key}`, context)) return context.reject(['publickey']);
    this.#begin(await target.login(context.username));
    context.accept();
  }

  /** The relay takes as long to start as the two ends take to agree on keys: let it start meanwhile. */
  async #warmUp(): Promise<void> {
    const { target, relays } = this.#parts;
    const { account } = await target.login(target.user);
    if (!this.#closed) this.#warm = relays.take(target.container, account);
  }

  #begin(login: Login): void {
    const { target, relays, log, execs, launcher } = this.#parts;
    const relay = (): Promise<Relay> => {
      if (this.#closed) return Promise.reject(new Error('the connection is closed'));
      this.#lease ??= relays.take(target.container, login.account);
      return this.#lease.relay;
    };
    this.#forwards = new Forwards(this.#client, relay, log);
    const { git, clientLink } = this.#parts.request;
    if (git?.credentials === true && clientLink !== undefined) this.#git = relay().then((one) => listenForGit(one, this.#parts.links, clientLink));
    this.#git?.catch((error: unknown) => log.warn('git in the container cannot ask for credentials', { container: target.container.id, error }));
    const parts = { execs, launcher, log, target, login, forwards: this.#forwards, env: () => this.#gitEnv(login) };
    this.#client.on('session', (accept) => void new EndpointSession(accept(), parts));
  }

  async #gitEnv(login: Login): Promise<string[]> {
    const listener = await this.#git?.catch(() => undefined);
    return gitEnv(this.#parts.request.git, listener?.path, login.env);
  }

  #close(): void {
    this.#closed = true;
    this.#forwards?.close();
    void this.#git?.then((listener) => listener.close()).catch(() => undefined);
    this.#lease?.release();
    this.#warm?.release();
  }
}
