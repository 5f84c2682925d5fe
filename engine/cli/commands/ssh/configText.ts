/** A host entry of ours. */
export interface HostEntry {
  readonly alias: string;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** The words of the ProxyCommand. */
  readonly proxy: readonly string[];
  readonly forwardAgent: boolean;
  /** A socket of this machine that shall be reachable in the container, and where. */
  readonly remoteSocket?: { readonly inside: string; readonly here: string };
}

const BEGIN = '# berth begin ';
const END = '# berth end ';
const HEAD = '# Written by berth ssh-config: changes made by hand are lost.\n';

/** The entries of one engine, as a section that its next version replaces. Pure. */
export function sectionText(section: string, entries: readonly HostEntry[]): string {
  return [`${BEGIN}${section}`, ...entries.map(entryText), `${END}${section}`, ''].join('\n');
}

/** Our file with one engine's section replaced, the others' as they are. Without entries the section is left out. Pure. */
export function replaceSection(file: string, section: string, entries: readonly HostEntry[]): string {
  const kept: string[] = [];
  let inside = '';
  for (const line of file.split('\n')) {
    if (line.startsWith(BEGIN)) inside = line.slice(BEGIN.length);
    if (inside !== '' && inside !== section) kept.push(line);
    if (line.startsWith(END)) inside = '';
  }
  const others = kept.length === 0 ? '' : `${kept.join('\n')}\n`;
  return `${HEAD}${entries.length === 0 ? '' : sectionText(section, entries)}${others}`;
}

function entryText(entry: HostEntry): string {
  const lines = [
    `Host ${entry.alias}`,
    `  HostName ${entry.alias}`,
    `  User ${entry.user}`,
    `  HostKeyAlias ${entry.alias}`,
    `  UserKnownHostsFile ${quoted(slashes(entry.knownHostsFile))}`,
    '  StrictHostKeyChecking yes',
    `  IdentityFile ${quoted(slashes(entry.identityFile))}`,
    '  IdentitiesOnly yes',
    '  PreferredAuthentications publickey',
    // The endpoint is quickest with these; OpenSSH would choose by its own order.
    '  Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes256-ctr',
    // No shell may be needed to take this apart: some editors split it at spaces, and know no more than %h.
    `  ProxyCommand ${entry.proxy.map(quoted).join(' ')}`,
    `  ForwardAgent ${entry.forwardAgent ? 'yes' : 'no'}`,
    ...(entry.remoteSocket ? [`  RemoteForward ${entry.remoteSocket.inside} ${quoted(entry.remoteSocket.here)}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** OpenSSH for Windows takes these, and a backslash may be an escape. */
function slashes(path: string): string {
  return /^[A-Za-z]:\\/.test(path) ? path.replaceAll('\\', '/') : path;
}

function quoted(word: string): string {
  return /\s/.test(word) ? `"${word}"` : word;
}

/** `~/.ssh/config` with our Include as its first line; unchanged when it is in there. Pure. */
export function withInclude(config: string, file: string): string {
  if (config.split('\n').some((line) => isInclude(line, file))) return config;
  return `Include ${quoted(file)}\n${config}`;
}

/** The same without it. Pure. */
export function withoutInclude(config: string, file: string): string {
  return config.split('\n').filter((line) => !isInclude(line, file)).join('\n');
}

function isInclude(line: string, file: string): boolean {
  const [, path = ''] = /^\s*Include\s+"?([^"]+?)"?\s*$/i.exec(line) ?? [];
  return path === file;
}
