import { closeSync, constants, openSync, readSync } from 'node:fs';
import { isIP } from 'node:net';
import { Resolver } from 'node:dns/promises';
import type { InsideRoot } from './insideRoot.ts';

const MAX_FILE = 256 * 1024;

/** The addresses of a host name as a program in the container would find them: by its own hosts file, then by its own name servers. */
export async function resolveHost(inside: InsideRoot, host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const known = addressesIn(readText(inside, '/etc/hosts'), host);
  if (known.length > 0) return known;
  if (host === 'localhost') return ['127.0.0.1', '::1'];
  const servers = nameServersIn(readText(inside, '/etc/resolv.conf'));
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  if (servers.length > 0) resolver.setServers(servers);
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return [...(four.status === 'fulfilled' ? four.value : []), ...(six.status === 'fulfilled' ? six.value : [])];
}

/** What a hosts file says of a name; IPv4 first. Pure. */
export function addressesIn(hosts: string, name: string): string[] {
  const rows = hosts.split('\n').map((line) => (line.split('#')[0] ?? '').trim().split(/\s+/));
  const found = rows.filter(([, ...names]) => names.some((one) => one.toLowerCase() === name.toLowerCase())).flatMap(([address = '']) => (isIP(address) === 0 ? [] : [address]));
  return [...new Set(found)].sort((a, b) => isIP(a) - isIP(b));
}

/** Pure. */
export function nameServersIn(resolvConf: string): string[] {
  return resolvConf.split('\n').flatMap((line) => {
    const [key, address = ''] = line.trim().split(/\s+/);
    return key === 'nameserver' && isIP(address) !== 0 ? [address] : [];
  });
}

function readText(inside: InsideRoot, path: string): string {
  try {
    using place = inside.find(path, true);
    if (place.stats?.isFile() !== true) return '';
    const fd = openSync(place.object, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const room = Buffer.alloc(MAX_FILE);
      return room.toString('utf8', 0, readSync(fd, room, 0, MAX_FILE, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
