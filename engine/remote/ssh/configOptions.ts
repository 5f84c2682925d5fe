import { posix, win32 } from 'node:path';
import { parseConfigLines, sshConfigInvalid } from './configLines.ts';
import type { ConfigLine } from './configLines.ts';
import { matchHolds } from './configMatch.ts';
import { expandHome, expandTokens, expandVariables, tokensOf } from './configTokens.ts';
import type { SshEnvironment } from './environment.ts';
import { matchesPatterns } from './patterns.ts';
import type { SshTarget } from './target.ts';

/** What the files say about one host: of each option the first value that applied, of some all of them. */
export interface ConfigOptions {
  /** Values of the line that won; empty when none did. */
  all(keyword: string): readonly string[];
  /** First value of the line that won. */
  one(keyword: string): string | undefined;
  /** All after the keyword of the line that won. */
  text(keyword: string): string | undefined;
  /** Where it was said. */
  where(keyword: string): { readonly file: string; readonly line: number } | undefined;
  /** The name after `HostName`, as the files made it. */
  readonly host: string;
}

const SEVERAL = new Set(['identityfile', 'certificatefile', 'sendenv', 'setenv', 'localforward', 'remoteforward', 'dynamicforward']);
const MAX_DEPTH = 16;

/**
 * Reads the user's and the system's ssh_config for a target, as OpenSSH does. `file`: this one instead of both; `none`: no file.
 * Throws SSH_CONFIG_INVALID.
 */
export async function readConfigOptions(target: SshTarget, environment: SshEnvironment, file?: string): Promise<ConfigOptions> {
  const reader = new ConfigReader(target, environment);
  await reader.pass(file, target.host, false);
  if (reader.wantsFinalPass) await reader.pass(file, reader.hostName().toLowerCase(), true);
  return reader.options();
}

interface Place {
  readonly mine: boolean;
  readonly depth: number;
  /** Inside a block that does not apply: nothing in here can. */
  readonly never: boolean;
}

class ConfigReader {
  wantsFinalPass = false;
  readonly #target: SshTarget;
  readonly #environment: SshEnvironment;
  readonly #values = new Map<string, ConfigLine[]>();
  #host = '';
  #final = false;

  constructor(target: SshTarget, environment: SshEnvironment) {
    this.#target = target;
    this.#environment = environment;
    this.#host = target.host;
  }

  /** One pass over the files; `host` is what Host lines are compared with. */
  async pass(file: string | undefined, host: string, final: boolean): Promise<void> {
    this.#host = host;
    this.#final = final;
    if (file === 'none') return;
    if (file !== undefined) return this.#file(file, { mine: true, depth: 0, never: false }, true);
    await this.#file(this.#path(this.#environment.home, '.ssh', 'config'), { mine: true, depth: 0, never: false }, true);
    await this.#file(this.#path(this.#systemFolder(), 'ssh_config'), { mine: false, depth: 0, never: false }, true);
  }

  hostName(): string {
    const line = this.#values.get('hostname')?.[0];
    if (!line) return this.#target.host;
    return expandTokens(line.args[0] ?? '', { '%': '%', h: this.#target.host }, (token) => this.#invalid(line, `HostName does not know the token ${token}`));
  }

  options(): ConfigOptions {
    const first = (keyword: string): ConfigLine | undefined => this.#values.get(keyword)?.[0];
    return {
      all: (keyword) => (SEVERAL.has(keyword) ? (this.#values.get(keyword) ?? []).flatMap((line) => line.args.slice(0, 1)) : (first(keyword)?.args ?? [])),
      one: (keyword) => first(keyword)?.args[0],
      text: (keyword) => first(keyword)?.rest,
      where: first,
      host: this.hostName().toLowerCase(),
    };
  }

  async #file(path: string, place: Place, active: boolean): Promise<void> {
    const text = await this.#environment.readFile(path, place.mine);
    if (text === undefined) return;
    let applies = active;
    for (const line of parseConfigLines(text, path)) {
      if (line.keyword === 'host') applies = !place.never && matchesPatterns(this.#host, line.args);
      else if (line.keyword === 'match') applies = !place.never && (await this.#matches(line));
      else if (line.keyword === 'include') await this.#include(line, { ...place, never: place.never || !applies }, applies);
      else if (applies) this.#set(line);
    }
  }

  #set(line: ConfigLine): void {
    if (line.args.length === 0) this.#invalid(line, `${line.keyword} needs a value`);
    // ProxyJump and ProxyCommand are one option in two forms.
    const rival = line.keyword === 'proxyjump' ? 'proxycommand' : line.keyword === 'proxycommand' ? 'proxyjump' : undefined;
    if (rival !== undefined && this.#values.has(rival)) return;
    const before = this.#values.get(line.keyword);
    if (!before) this.#values.set(line.keyword, [line]);
    else if (SEVERAL.has(line.keyword) && !before.some((other) => other.args[0] === line.args[0])) before.push(line);
  }

  async #include(line: ConfigLine, place: Place, active: boolean): Promise<void> {
    if (place.depth + 1 > MAX_DEPTH) this.#invalid(line, `Include is nested more than ${MAX_DEPTH} deep`);
    const folder = place.mine ? this.#path(this.#environment.home, '.ssh') : this.#systemFolder();
    for (const word of line.args) {
      const named = expandHome(expandVariables(word, this.#environment.env, (name) => this.#invalid(line, `the variable ${name} is not set`)), this.#environment.home);
      const path = this.#rules().isAbsolute(named) ? named : this.#path(folder, named);
      const files = /[*?[]/.test(path) ? await this.#environment.glob(path) : [path];
      for (const file of files) await this.#file(file, { ...place, depth: place.depth + 1 }, active);
    }
  }

  #matches(line: ConfigLine): Promise<boolean> {
    const user = this.#target.user ?? this.#values.get('user')?.[0]?.args[0] ?? this.#environment.localUser;
    return matchHolds(line, {
      host: this.#values.has('hostname') && !this.#final ? this.hostName() : this.#host,
      originalHost: this.#target.host,
      user,
      localUser: this.#environment.localUser,
      finalPass: this.#final,
      wantFinalPass: () => (this.wantsFinalPass = true),
      exec: (command) => this.#environment.succeeds(expandTokens(command, this.#tokens(user), (token) => this.#invalid(line, `exec does not know the token ${token}`))),
    });
  }

  #tokens(user: string): Readonly<Record<string, string>> {
    const { localUser, localHost, home, uid } = this.#environment;
    const port = this.#target.port ?? Number(this.#values.get('port')?.[0]?.args[0] ?? 22);
    const alias = this.#values.get('hostkeyalias')?.[0]?.args[0] ?? this.#target.host;
    return tokensOf({ original: this.#target.host, hostName: this.hostName(), hostKeyAlias: alias, port, user, localUser, localHost, home, uid, proxyJump: this.#values.get('proxyjump')?.[0]?.args[0] ?? '' });
  }

  #rules(): typeof posix {
    return this.#environment.platform === 'win32' ? win32 : posix;
  }

  #path(...parts: string[]): string {
    return this.#rules().join(...parts);
  }

  #systemFolder(): string {
    return this.#environment.platform === 'win32' ? this.#path(this.#environment.env.ProgramData ?? 'C:\\ProgramData', 'ssh') : '/etc/ssh';
  }

  #invalid(line: ConfigLine, detail: string): never {
    throw sshConfigInvalid({ file: line.file, line: line.line, detail });
  }
}
