import { isIP } from 'node:net';

/** One more line of /etc/hosts. `address`: of IPv4 or IPv6, or `host-gateway` for the engine's host. */
export interface ExtraHost {
  readonly name: string;
  readonly address: string;
}

/** What `--add-host` says: `NAME:ADDRESS` or `NAME=ADDRESS`, where an address of IPv6 may stand in brackets; undefined if it is none. */
export function parseExtraHost(text: string): ExtraHost | undefined {
  const [, name = '', written = ''] = /^([^:=\s]+)[:=](\S+)$/.exec(text) ?? [];
  const address = written.replace(/^\[(.*)\]$/, '$1');
  return name !== '' && (address === 'host-gateway' || isIP(address) !== 0) ? { name, address } : undefined;
}

/** As containers are asked for it. */
export function formatExtraHost({ name, address }: ExtraHost): string {
  return `${name}:${address}`;
}
