import type { AnyAuthMethod, AuthHandlerMiddleware, BaseAgent, KeyboardInteractiveCallback, ParsedKey, Prompt } from 'ssh2';
import type { Ask, Question } from '../connection.ts';
import type { HostConfig } from './hostConfig.ts';
import { unlock } from './identities.ts';
import type { Identities, Identity } from './identities.ts';
import type { ParseKey } from './keyFiles.ts';
import { sshAuthFailed } from './sshErrors.ts';

export interface AuthenticationParts {
  readonly config: HostConfig;
  readonly identities: Identities;
  /** An agent that offers this key alone. */
  readonly agentOf: (identity: Identity) => BaseAgent;
  readonly parseKey: ParseKey;
  readonly ask: Ask;
  readonly signal: AbortSignal;
  /** Of the host, for people. */
  readonly host: string;
  /** Called when there is nothing more to try. */
  readonly fail: (error: Error) => void;
}

/** Tries what PreferredAuthentications says, in its order, and nothing that the server does not allow or that there is nothing for. */
export class Authentication {
  readonly #parts: AuthenticationParts;
  readonly #done = new Set<string>();
  readonly #attempts = new Map<string, number>();
  readonly #tried: string[] = [];
  readonly #keys: Identity[];
  readonly #sealed: string[];
  #allowed: readonly string[] | undefined;
  #partial = false;

  constructor(parts: AuthenticationParts) {
    this.#parts = parts;
    this.#keys = [...parts.identities.keys];
    this.#sealed = [...parts.identities.sealed];
  }

  /** What the server answered last. ssh2 keeps to itself what it hears about a key of an agent, so it is told here. */
  heard(allowed: readonly string[], partial: boolean): void {
    this.#allowed = allowed;
    this.#partial ||= partial;
  }

  /** The server has refused something. */
  get refused(): boolean {
    return this.#allowed !== undefined;
  }

  readonly handler: AuthHandlerMiddleware = (_left, _partial, next) => {
    void this.#next().then(
      (method) => (method ? next(method) : this.#parts.fail(this.error())),
      (error: unknown) => this.#parts.fail(error instanceof Error ? error : new Error(String(error))),
    );
  };

  /** What was tried and did not do. */
  error(detail?: string, cause?: unknown): Error {
    const { host, identities } = this.#parts;
    const tried = [...this.#tried, ...identities.unusable.map((what) => `not ${what}`)];
    return sshAuthFailed({ host, tried: tried.join(', ') || 'nothing', allowed: this.#allowed?.join(', ') ?? 'unknown', hint: this.#hint(detail) }, { cause });
  }

  async #next(): Promise<AnyAuthMethod | undefined> {
    const { config, identities } = this.#parts;
    const allowed = this.#allowed;
    if (this.#partial) this.#done.clear(); // one factor is done, the server wants another
    this.#partial = false;
    // Without a key to offer, ask what the server wants before a person is asked for anything.
    const keyFirst = identities.keys.length > 0 && config.preferredAuthentications.find(isOurs) === 'publickey';
    if (allowed === undefined && !keyFirst && this.#count('none') === 1) return { type: 'none', username: config.user };
    for (const method of config.preferredAuthentications) {
      if (this.#done.has(method) || (allowed !== undefined && !allowed.includes(method))) continue;
      const attempt = await this.#attempt(method);
      if (attempt) return attempt;
      this.#done.add(method);
    }
    return undefined;
  }

  #attempt(method: string): Promise<AnyAuthMethod | undefined> {
    if (method === 'publickey') return this.#publicKey();
    if (method === 'keyboard-interactive') return Promise.resolve(this.#interactive());
    if (method === 'password') return this.#password();
    return Promise.resolve(undefined);
  }

  async #publicKey(): Promise<AnyAuthMethod | undefined> {
    const { agentOf, parseKey, config } = this.#parts;
    const identity = this.#keys.shift();
    if (identity) {
      this.#tried.push(`key ${identity.label}`);
      return { type: 'agent', username: config.user, agent: agentOf(identity) };
    }
    for (let file = this.#sealed.shift(); file !== undefined; file = this.#sealed.shift()) {
      const key: ParsedKey | undefined = await unlock(file, parseKey, (keyFile) => this.#askOne({ kind: 'passphrase', keyFile }));
      this.#tried.push(key ? `key ${file}` : `key ${file} (no passphrase)`);
      if (key) return { type: 'publickey', username: config.user, key };
    }
    return undefined;
  }

  #interactive(): AnyAuthMethod | undefined {
    const { config } = this.#parts;
    const count = this.#count('keyboard-interactive');
    if (config.batchMode || count > config.passwordPrompts) return undefined;
    if (count === 1) this.#tried.push('keyboard-interactive');
    const prompt = (name: string, instructions: string, _language: string, prompts: Prompt[], finish: KeyboardInteractiveCallback): void => {
      const question: Question = { kind: 'keyboard-interactive', name, instructions, prompts: prompts.map((one) => ({ prompt: one.prompt, echo: one.echo ?? false })) };
      void this.#askAll(question).then((answers) => {
        if (!answers) this.#done.add('keyboard-interactive');
        finish([...(answers ?? prompts.map(() => ''))]);
      }, this.#parts.fail);
    };
    return { type: 'keyboard-interactive', username: config.user, prompt };
  }

  async #password(): Promise<AnyAuthMethod | undefined> {
    const { config, host } = this.#parts;
    const count = this.#count('password');
    if (config.batchMode || count > config.passwordPrompts) return undefined;
    const password = await this.#askOne({ kind: 'password', user: config.user, host: withoutUser(host, config.user) });
    if (count === 1) this.#tried.push(password === undefined ? 'password (none was given)' : 'password');
    return password === undefined ? undefined : { type: 'password', username: config.user, password };
  }

  async #askOne(question: Question): Promise<string | undefined> {
    return (await this.#askAll(question))?.[0];
  }

  async #askAll(question: Question): Promise<readonly string[] | undefined> {
    return this.#parts.config.batchMode ? undefined : this.#parts.ask(question, this.#parts.signal);
  }

  #count(method: string): number {
    const count = (this.#attempts.get(method) ?? 0) + 1;
    this.#attempts.set(method, count);
    return count;
  }

  #hint(detail: string | undefined): string {
    const { config, identities } = this.#parts;
    if (detail !== undefined && /too many/i.test(detail)) return 'It gave up after too many keys: name the right one by IdentityFile in ~/.ssh/config and set IdentitiesOnly yes';
    if (detail !== undefined && detail !== '') return `It said: ${detail}`;
    if (identities.systemCouldMore) return 'What is on a security key or has a certificate needs the transport "system"';
    if (identities.keys.length === 0 && identities.sealed.length === 0) return 'No key was found: name one by IdentityFile in ~/.ssh/config or load it into the agent';
    return `Check the user (${config.user}), and that the key is in ~/.ssh/authorized_keys there, or the password`;
  }
}

function isOurs(method: string): boolean {
  return method === 'publickey' || method === 'password' || method === 'keyboard-interactive';
}

/** `user@host`, for a question that names the user already. */
function withoutUser(host: string, user: string): string {
  return host.startsWith(`${user}@`) ? host.slice(user.length + 1) : host;
}
