import type { HostConfig } from '../api/docker/container.ts';
import type { LinkedHost } from './links.ts';
import type { Endpoint } from './ports.ts';

const LOOPBACK = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::\tip6-localnet', 'ff00::\tip6-mcastprefix', 'ff02::1\tip6-allnodes', 'ff02::2\tip6-allrouters'];

/** A container's /etc/hosts: itself, what the user added (`name:address`, `host-gateway` for the host). */
export function hostsFile(input: { readonly hostname: string; readonly domainname: string; readonly endpoints: ReadonlyArray<Pick<Endpoint, 'ip' | 'ip6' | 'gateway'>>; readonly extraHosts: readonly string[]; readonly links?: readonly LinkedHost[]; readonly base?: string }): string {
  const extra = input.extraHosts.map((entry) => {
    const [, name = '', address = ''] = /^([^:=]+)[:=](.+)$/.exec(entry) ?? [];
    const real = address === 'host-gateway' ? input.endpoints[0]?.gateway || '127.0.0.1' : address.replace(/^\[(.*)\]$/, '$1');
    return `${real}\t${name}`;
  });
  const links = (input.links ?? []).map(({ ip, names }) => `${ip}\t${names.join(' ')}`);
  const base = input.base === undefined ? LOOPBACK : [input.base.trimEnd()];
  return `${[...base, ...extra, ...links, ...ownHosts(input)].join('\n')}\n`;
}

/** The lines of a container itself in its /etc/hosts: one for each address it has. */
export function ownHosts({ hostname, domainname, endpoints }: { readonly hostname: string; readonly domainname: string; readonly endpoints: ReadonlyArray<Pick<Endpoint, 'ip' | 'ip6'>> }): string[] {
  const names = `${domainname === '' ? '' : `${hostname}.${domainname} `}${hostname}`;
  return endpoints.flatMap(({ ip, ip6 }) => [ip, ip6]).filter((address) => address !== '').map((address) => `${address}\t${names}`);
}

/** A container's /etc/resolv.conf: that of its network, with what the user chose in the place of it. */
export function resolvConfFile(base: string, host: Pick<HostConfig, 'Dns' | 'DnsSearch' | 'DnsOptions'>): string {
  const lines = base.split('\n').filter((line) => line.trim() !== '');
  const replace = (keyword: string, values: readonly string[] | null | undefined, each: boolean): string[] => {
    if (!values || values.length === 0) return lines.filter((line) => line.startsWith(`${keyword} `));
    if (keyword === 'search' && values.length === 1 && values[0] === '.') return [];
    return each ? values.map((value) => `${keyword} ${value}`) : [`${keyword} ${values.join(' ')}`];
  };
  return `${[...replace('nameserver', host.Dns, true), ...replace('search', host.DnsSearch, false), ...replace('options', host.DnsOptions, false)].join('\n')}\n`;
}
