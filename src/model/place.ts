/** A window that is inside a dev container, by way of SSH. */
export interface Place {
  /** The entry of the SSH configuration. */
  readonly alias: string;
  /** The container's name, and the remote host's if it is on one. */
  readonly name: string;
  readonly host: string | undefined;
}

const authorityPrefix = 'ssh-remote+';
const ending = '.berth';

/** The authority of `vscode-remote:` that Remote-SSH and its relatives resolve. */
export function sshAuthority(alias: string): string {
  return `${authorityPrefix}${alias}`;
}

/** Where a window with folders of this authority is; undefined: in none of our containers. Pure. */
export function placeOf(authority: string): Place | undefined {
  if (!authority.startsWith(authorityPrefix) || !authority.endsWith(ending)) return undefined;
  const alias = authority.slice(authorityPrefix.length);
  const [name = '', ...host] = alias.slice(0, -ending.length).split('.');
  return name === '' ? undefined : { alias, name, host: host.length === 0 ? undefined : host.join('.') };
}
