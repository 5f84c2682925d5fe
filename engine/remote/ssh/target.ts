import { defineError } from '../../base/errors.ts';

/** Where someone wants to go, as they wrote it: `host` may be an alias of ssh_config. */
export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

export const invalidHostUrl = defineError<{ url: string; detail: string }>('INVALID_HOST_URL', 400, (p) => `"${p.url}" does not name a host: ${p.detail}. Write ssh://user@host:port, user@host, or a name from ~/.ssh/config`);

/** `ssh://[user@]host[:port]`, `[user@]host[:port]`, `[user@][v6]:port`, or an alias of ssh_config. Throws INVALID_HOST_URL. */
export function parseHostUrl(text: string): SshTarget {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text);
  if (scheme && scheme[1]?.toLowerCase() !== 'ssh') throw invalidHostUrl({ url: text, detail: `only ssh:// is known, not ${scheme[1]}://` });
  const rest = scheme ? text.slice(scheme[0].length).replace(/\/$/, '') : text;
  if (scheme && rest.includes('/')) throw invalidHostUrl({ url: text, detail: 'a path does not belong here' });
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? undefined : userOf(text, rest.slice(0, at), scheme !== null);
  const { host, port } = hostAndPort(text, rest.slice(at + 1));
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}

function userOf(url: string, text: string, encoded: boolean): string {
  if (text === '') throw invalidHostUrl({ url, detail: 'the user before @ is empty' });
  if (encoded && text.includes(':')) throw invalidHostUrl({ url: url.replace(text, '…'), detail: 'a password does not belong in an address; you are asked for it' });
  const user = encoded ? decoded(url, text) : text;
  // As OpenSSH: names that a shell or ssh itself would take for something else.
  if (/^-|['"`;&<>|(){}\s\\]|\p{Cc}/u.test(user)) throw invalidHostUrl({ url, detail: 'the user has characters that no user name has' });
  return user;
}

function decoded(url: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidHostUrl({ url, detail: 'a % in it is not followed by two hex digits' });
  }
}

function hostAndPort(url: string, text: string): { host: string; port?: number } {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text);
  const colons = text.split(':').length - 1;
  const plain = colons === 1 ? /^([^:]*):(.*)$/.exec(text) : null;
  const host = bracketed?.[1] ?? plain?.[1] ?? text;
  const port = bracketed ? bracketed[2] : plain?.[2];
  if (host === '') throw invalidHostUrl({ url, detail: 'the host is empty' });
  if (/^-|['"`$\\;&<>|(){},\s/@[\]]|\p{Cc}/u.test(host)) throw invalidHostUrl({ url, detail: 'the host has characters that no host name has' });
  if (port === undefined) return { host };
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) throw invalidHostUrl({ url, detail: `the port "${port}" is not a number from 1 to 65535` });
  return { host, port: Number(port) };
}

/** `user@host:port` for people; the port only when it is not 22. */
export function describeTarget(target: { host: string; user?: string | undefined; port?: number | undefined }): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${target.user === undefined ? '' : `${target.user}@`}${host}${target.port === undefined || target.port === 22 ? '' : `:${target.port}`}`;
}
