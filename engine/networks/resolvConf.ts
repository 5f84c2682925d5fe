import { readFileSync } from 'node:fs';
import { isIP, isIPv4 } from 'node:net';

/** Where systemd-resolved lists the servers that stand behind its own 127.0.0.53. */
const BEHIND_RESOLVED = '/run/systemd/resolve/resolv.conf';

/** Public resolvers for hosts that name none a container could reach (Docker's choice too). */
const PUBLIC = ['8.8.8.8', '8.8.4.4'];

/**
 * `/etc/resolv.conf` for containers. A resolver on the host's loopback cannot be reached from a namespace: it is replaced by what
 * systemd-resolved asks, else by public resolvers. IPv6 resolvers are left out: bridge networks are IPv4.
 */
export function resolvConfFor(hostText: string, behindResolved: string | undefined): string {
  return [...settings(hostText), ...serversFor(hostText, behindResolved).map((server) => `nameserver ${server}`), ''].join('\n');
}

/** The same for a container whose names are resolved by its network: `servers` are asked in this order. */
export function resolvConfByName(hostText: string, servers: readonly string[]): string {
  const others = settings(hostText).filter((line) => !line.startsWith('options'));
  const options = settings(hostText).flatMap((line) => (line.startsWith('options') ? line.split(/\s+/).slice(1) : []));
  // A name without a dot is a container's first of all; where it is none, the domains to search come next.
  return [...others, ...servers.map((server) => `nameserver ${server}`), `options ${[...options.filter((option) => !option.startsWith('ndots:')), 'ndots:0'].join(' ')}`, ''].join('\n');
}

/** The resolvers that containers can reach. */
export function serversFor(hostText: string, behindResolved: string | undefined): string[] {
  const own = reachable(hostText);
  const servers = own.length > 0 ? own : reachable(behindResolved ?? '');
  return servers.length > 0 ? servers : PUBLIC;
}

/** The resolvers that this host itself asks, loopback and IPv6 included. */
export function hostServers(): string[] {
  const named = lines(readIfThere('/etc/resolv.conf') ?? '').flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []).filter((server) => isIP(server) !== 0);
  return named.length > 0 ? named : PUBLIC;
}

/** `serversFor` on this host's files. */
export function containerServers(): string[] {
  return serversFor(readIfThere('/etc/resolv.conf') ?? '', readIfThere(BEHIND_RESOLVED));
}

/** `resolvConfFor` on this host's files; with `servers` `resolvConfByName`; for the host's own namespace the file as it is. */
export function readResolvConf(mode: 'bridge' | 'host', servers: readonly string[] = []): string {
  const host = readIfThere('/etc/resolv.conf') ?? '';
  if (mode === 'host') return host;
  return servers.length > 0 ? resolvConfByName(host, servers) : resolvConfFor(host, readIfThere(BEHIND_RESOLVED));
}

function settings(text: string): string[] {
  return lines(text).filter((line) => /^(search|domain|options)\s/.test(line));
}

function reachable(text: string): string[] {
  return lines(text).flatMap((line) => {
    const server = /^nameserver\s+(\S+)/.exec(line)?.[1];
    return server !== undefined && isIPv4(server) && !server.startsWith('127.') ? [server] : [];
  });
}

function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^[#;]/.test(line));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
