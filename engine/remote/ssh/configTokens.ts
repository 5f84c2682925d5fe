import { createHash } from 'node:crypto';

/** What `%` and a letter stand for. */
export type Tokens = Readonly<Record<string, string>>;

export interface TokenFacts {
  /** As the person wrote it. */
  readonly original: string;
  readonly hostName: string;
  readonly hostKeyAlias: string;
  readonly port: number;
  readonly user: string;
  readonly localUser: string;
  readonly localHost: string;
  readonly home: string;
  readonly uid: string;
  readonly proxyJump: string;
}

/** The tokens that all of ssh_config's expanding options know. */
export function tokensOf(facts: TokenFacts): Tokens {
  const hash = createHash('sha1').update(`${facts.localHost}${facts.hostName}${facts.port}${facts.user}`).digest('hex');
  return {
    '%': '%',
    C: hash,
    d: facts.home,
    h: facts.hostName,
    i: facts.uid,
    j: facts.proxyJump,
    k: facts.hostKeyAlias,
    L: facts.localHost.split('.')[0] ?? '',
    l: facts.localHost,
    n: facts.original,
    p: String(facts.port),
    r: facts.user,
    u: facts.localUser,
  };
}

/** Replaces tokens; `unknown` is called with one that is not known. */
export function expandTokens(text: string, tokens: Tokens, unknown: (token: string) => never): string {
  return text.replace(/%(.?)/g, (whole, letter: string) => tokens[letter] ?? unknown(whole));
}

/** Replaces `${NAME}`; `missing` is called with a name that is not set. */
export function expandVariables(text: string, env: NodeJS.ProcessEnv, missing: (name: string) => never): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => env[name] ?? missing(name));
}

/** `~` and `~/…` as the home folder. */
export function expandHome(path: string, home: string): string {
  return path === '~' ? home : /^~[/\\]/.test(path) ? `${home}${path.slice(1)}` : path;
}
