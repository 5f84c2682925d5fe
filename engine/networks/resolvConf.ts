import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';

/** Where systemd-resolved lists the servers that stand behind its own 127.0.0.53. */
const BEHIND_RESOLVED = '/run/systemd/resolve/resolv.conf';

/** Public resolvers for hosts that name none a container could reach (Docker's choice too). */
const PUBLIC = ['8.8.8.8', '8.8.4.4'];

/**
 * `/etc/resolv.conf` for containers. A resolver on the host's loopback cannot be reached from a namespace: it is replaced by what
 * systemd-resolved asks, else by public resolvers. IPv6 resolvers are left out: bridge networks are IPv4.
 */
export function resolvConfFor(hostText: string, behindResolved: string | undefined): string {
  const own = reachable(hostText);
  const servers = own.length > 0 ? own : reachable(behindResolved ?? '');
  const others = lines(hostText).filter((line) => /^(search|domain|options)\s/.test(line));
  return [...others, ...(servers.length > 0 ? servers : PUBLIC).map((server) => `nameserver ${server}`), ''].join('\n');
}

/** `resolvConfFor` on this host's files; for the host's own namespace the file as it is. */
export function readResolvConf(mode: 'bridge' | 'host'): string {
  const host = readIfThere('/etc/resolv.conf') ?? '';
  return mode === 'host' ? host : resolvConfFor(host, readIfThere(BEHIND_RESOLVED));
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
