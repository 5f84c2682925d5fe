import { posix, win32 } from 'node:path';
import { sshConfigInvalid } from './configLines.ts';
import { readConfigOptions } from './configOptions.ts';
import type { ConfigOptions } from './configOptions.ts';
import { expandHome, expandTokens, expandVariables, tokensOf } from './configTokens.ts';
import type { Tokens } from './configTokens.ts';
import type { SshEnvironment } from './environment.ts';
import { parseHostUrl } from './target.ts';
import type { SshTarget } from './target.ts';

/** All that is needed to connect to one host, with every pattern, token and default worked out. */
export interface HostConfig {
  /** As written: what `%n` is. */
  readonly original: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** Whether the files above were named, or are the usual ones. */
  readonly identityFilesNamed: boolean;
  readonly identitiesOnly: boolean;
  /** Path of the agent's socket or pipe; undefined: none is to be used. */
  readonly identityAgent: string | undefined;
  /** Hosts to go through, in order. */
  readonly proxyJump: readonly SshTarget[];
  readonly proxyCommand: string | undefined;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hashKnownHosts: boolean;
  /** The name to look up in known_hosts instead of the host's. */
  readonly hostKeyAlias: string | undefined;
  readonly strictHostKeyChecking: 'yes' | 'accept-new' | 'no' | 'ask';
  readonly algorithms: Readonly<Record<'hostKey' | 'kex' | 'cipher' | 'mac', string | undefined>>;
  readonly preferredAuthentications: readonly string[];
  readonly passwordPrompts: number;
  readonly connectTimeoutSeconds: number | undefined;
  readonly serverAliveIntervalSeconds: number;
  readonly serverAliveCountMax: number;
  readonly family: 0 | 4 | 6;
  readonly bindAddress: string | undefined;
  readonly batchMode: boolean;
  /** What in here only OpenSSH's own client can do, for people. */
  readonly needsSystemSsh: readonly string[];
  readonly certificateFiles: readonly string[];
}

/** Works out the configuration of a target from ssh_config. `file`: see `readConfigOptions`. Throws SSH_CONFIG_INVALID. */
export async function resolveHostConfig(target: SshTarget, environment: SshEnvironment, file?: string): Promise<HostConfig> {
  const options = await readConfigOptions(target, environment, file);
  return new Interpreter(target, environment, options).config();
}

const USUAL_KEYS = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk'];
const AUTHENTICATIONS = 'gssapi-with-mic,hostbased,publickey,keyboard-interactive,password';

class Interpreter {
  readonly #target: SshTarget;
  readonly #environment: SshEnvironment;
  readonly #options: ConfigOptions;
  readonly #port: number;
  readonly #user: string;
  readonly #tokens: Tokens;

  constructor(target: SshTarget, environment: SshEnvironment, options: ConfigOptions) {
    this.#target = target;
    this.#environment = environment;
    this.#options = options;
    this.#port = target.port ?? this.#number('port', 1, 65_535) ?? 22;
    this.#user = target.user ?? options.one('user') ?? environment.localUser;
    const { localUser, localHost, home, uid } = environment;
    const alias = options.one('hostkeyalias') ?? options.host;
    this.#tokens = tokensOf({ original: target.host, hostName: options.host, hostKeyAlias: alias, port: this.#port, user: this.#user, localUser, localHost, home, uid, proxyJump: options.one('proxyjump') ?? '' });
  }

  config(): HostConfig {
    const options = this.#options;
    return {
      original: this.#target.host,
      hostName: options.host,
      port: this.#port,
      user: this.#user,
      ...this.#identities(),
      ...this.#knownHosts(),
      proxyJump: this.#jumps(),
      proxyCommand: this.#proxyCommand(),
      algorithms: { hostKey: options.one('hostkeyalgorithms'), kex: options.one('kexalgorithms'), cipher: options.one('ciphers'), mac: options.one('macs') },
      preferredAuthentications: this.#authentications(),
      passwordPrompts: this.#number('numberofpasswordprompts', 1, 100) ?? 3,
      connectTimeoutSeconds: this.#seconds('connecttimeout'),
      serverAliveIntervalSeconds: this.#seconds('serveraliveinterval') ?? 0,
      serverAliveCountMax: this.#number('serveralivecountmax', 1, 1_000_000) ?? 3,
      family: options.one('addressfamily') === 'inet' ? 4 : options.one('addressfamily') === 'inet6' ? 6 : 0,
      bindAddress: options.one('bindaddress'),
      batchMode: this.#flag('batchmode', false),
      needsSystemSsh: this.#systemReasons(),
    };
  }

  #identities(): Pick<HostConfig, 'identityFiles' | 'identityFilesNamed' | 'identitiesOnly' | 'identityAgent' | 'certificateFiles'> {
    const named = this.#options.all('identityfile');
    const files = named.length > 0 ? named.filter((file) => file.toLowerCase() !== 'none').map((file) => this.#path('identityfile', file)) : USUAL_KEYS.map((name) => this.#join(this.#environment.home, '.ssh', name));
    const certificateFiles = this.#options.all('certificatefile').filter((file) => file.toLowerCase() !== 'none').map((file) => this.#path('certificatefile', file));
    return { identityFiles: files, identityFilesNamed: named.length > 0, identitiesOnly: this.#flag('identitiesonly', false), identityAgent: this.#agent(), certificateFiles };
  }

  #agent(): string | undefined {
    const { env, platform } = this.#environment;
    const usual = env.SSH_AUTH_SOCK || (platform === 'win32' ? String.raw`\\.\pipe\openssh-ssh-agent` : undefined);
    const named = this.#options.one('identityagent');
    if (named === undefined || named === 'SSH_AUTH_SOCK') return usual;
    if (named.toLowerCase() === 'none') return undefined;
    const variable = /^\$([A-Za-z_]\w*)$/.exec(named)?.[1];
    if (variable !== undefined) return env[variable] || undefined;
    return this.#path('identityagent', named);
  }

  #knownHosts(): Pick<HostConfig, 'userKnownHostsFiles' | 'globalKnownHostsFiles' | 'hashKnownHosts' | 'hostKeyAlias' | 'strictHostKeyChecking'> {
    const { home, platform, env } = this.#environment;
    const system = platform === 'win32' ? this.#join(env.ProgramData ?? 'C:\\ProgramData', 'ssh') : '/etc/ssh';
    const files = (keyword: string, usual: readonly string[]): string[] => {
      const named = this.#options.all(keyword);
      return named.length === 0 ? [...usual] : named.filter((file) => file.toLowerCase() !== 'none').map((file) => this.#path(keyword, file));
    };
    return {
      userKnownHostsFiles: files('userknownhostsfile', [this.#join(home, '.ssh', 'known_hosts'), this.#join(home, '.ssh', 'known_hosts2')]),
      globalKnownHostsFiles: files('globalknownhostsfile', [this.#join(system, 'ssh_known_hosts'), this.#join(system, 'ssh_known_hosts2')]),
      hashKnownHosts: this.#flag('hashknownhosts', false),
      hostKeyAlias: this.#options.one('hostkeyalias'),
      strictHostKeyChecking: this.#strictness(),
    };
  }

  #strictness(): HostConfig['strictHostKeyChecking'] {
    const said = this.#options.one('stricthostkeychecking')?.toLowerCase();
    if (said === undefined || said === 'ask') return 'ask';
    if (said === 'accept-new') return 'accept-new';
    if (said === 'yes' || said === 'true') return 'yes';
    if (said === 'no' || said === 'off' || said === 'false') return 'no';
    return this.#invalid('stricthostkeychecking', `StrictHostKeyChecking cannot be "${said}"`);
  }

  #jumps(): SshTarget[] {
    const text = this.#options.one('proxyjump');
    if (text === undefined || text.toLowerCase() === 'none') return [];
    return text.split(',').map((hop) => {
      try {
        return parseHostUrl(this.#expand('proxyjump', hop.trim()));
      } catch (cause) {
        return this.#invalid('proxyjump', `ProxyJump: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
    });
  }

  #proxyCommand(): string | undefined {
    const text = this.#options.text('proxycommand');
    if (text === undefined || text.toLowerCase() === 'none') return undefined;
    return this.#expand('proxycommand', text);
  }

  #authentications(): string[] {
    const wanted = (this.#options.one('preferredauthentications') ?? AUTHENTICATIONS).split(',');
    const off = new Set<string>();
    if (!this.#flag('pubkeyauthentication', true)) off.add('publickey');
    if (!this.#flag('passwordauthentication', true)) off.add('password');
    if (!this.#flag(this.#options.one('kbdinteractiveauthentication') === undefined ? 'challengeresponseauthentication' : 'kbdinteractiveauthentication', true)) off.add('keyboard-interactive');
    return wanted.filter((method) => !off.has(method));
  }

  #systemReasons(): string[] {
    const options = this.#options;
    const set = (keyword: string): boolean => !['none', undefined].includes(options.one(keyword)?.toLowerCase());
    const reasons: string[] = [];
    if (options.all('certificatefile').some((file) => file.toLowerCase() !== 'none')) reasons.push('CertificateFile');
    if (set('pkcs11provider')) reasons.push('PKCS11Provider');
    if (set('securitykeyprovider') && options.one('securitykeyprovider') !== 'internal') reasons.push('SecurityKeyProvider');
    // Debian's own /etc/ssh/ssh_config turns GSSAPI on for everybody: only the user's word counts.
    const gssapi = options.where('gssapiauthentication');
    if (gssapi && this.#flag('gssapiauthentication', false) && !this.#isSystemFile(gssapi.file)) reasons.push('GSSAPIAuthentication');
    if (this.#flag('hostbasedauthentication', false)) reasons.push('HostbasedAuthentication');
    if (set('knownhostscommand')) reasons.push('KnownHostsCommand');
    if (this.#flag('proxyusefdpass', false)) reasons.push('ProxyUseFdpass');
    return reasons;
  }

  #isSystemFile(file: string): boolean {
    const { platform, env } = this.#environment;
    return file.startsWith(platform === 'win32' ? this.#join(env.ProgramData ?? 'C:\\ProgramData', 'ssh') : '/etc/ssh');
  }

  #flag(keyword: string, usual: boolean): boolean {
    const said = this.#options.one(keyword)?.toLowerCase();
    if (said === undefined) return usual;
    if (said === 'yes' || said === 'true') return true;
    if (said === 'no' || said === 'false') return false;
    // "unbound", "host-bound" of PubkeyAuthentication are kinds of yes.
    return true;
  }

  #number(keyword: string, min: number, max: number): number | undefined {
    const text = this.#options.one(keyword);
    if (text === undefined) return undefined;
    const value = Number(text);
    return Number.isInteger(value) && value >= min && value <= max ? value : this.#invalid(keyword, `"${text}" is not a number from ${min} to ${max}`);
  }

  /** `90`, `1m30s`, `2h`; `none`: nothing. */
  #seconds(keyword: string): number | undefined {
    const text = this.#options.one(keyword)?.toLowerCase();
    if (text === undefined || text === 'none') return undefined;
    if (!/^(\d+[smhdw]?)+$/.test(text)) return this.#invalid(keyword, `"${text}" is not a time`);
    const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
    return [...text.matchAll(/(\d+)([smhdw]?)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 1), 0);
  }

  #path(keyword: string, text: string): string {
    return expandHome(this.#expand(keyword, text, true), this.#environment.home);
  }

  #expand(keyword: string, text: string, variables = false): string {
    const named = variables ? expandVariables(text, this.#environment.env, (name) => this.#invalid(keyword, `the variable ${name} is not set`)) : text;
    return expandTokens(named, this.#tokens, (token) => this.#invalid(keyword, `the token ${token} is not known here`));
  }

  #invalid(keyword: string, detail: string): never {
    const { file, line } = this.#options.where(keyword) ?? { file: 'ssh_config', line: 0 };
    throw sshConfigInvalid({ file, line, detail });
  }

  #join(...parts: string[]): string {
    return (this.#environment.platform === 'win32' ? win32 : posix).join(...parts);
  }
}
