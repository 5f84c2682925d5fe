import { writeFileSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';

/**
 * Named network namespaces, where `ip netns` keeps them: a file under /run/netns with the namespace bind-mounted on it, so
 * a namespace outlives the process that made it.
 */
const FOLDER = '/run/netns';

export function netnsPath(name: string): string {
  return join(FOLDER, name);
}

/** Names of all named network namespaces of the host, also of those whose mount is gone. */
export async function listNetns(): Promise<readonly string[]> {
  try {
    return await readdir(FOLDER);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

const REFUSED = ['accept_ra', 'accept_redirects'];

/**
 * Tells the devices of a new namespace, these and those that come later, to take no routes from router advertisements and redirects: any neighbour could give itself
 * out for a router. To be done before they are up. No process of its own is needed: this thread looks in for a moment.
 */
export async function refuseAdvertisements(path: string, devices: readonly string[]): Promise<void> {
  const { inNetns } = await import('#native');
  const namespace = await open(path);
  try {
    inNetns(namespace.fd, () => {
      for (const device of ['default', ...devices]) for (const name of REFUSED) writeSetting(`/proc/sys/net/ipv6/conf/${device}/${name}`);
    });
  } finally {
    await namespace.close();
  }
}

/** Where the kernel has no IPv6 there is nothing to tell, and where /proc is read-only (a container around the engine) nothing can be told. */
function writeSetting(path: string): void {
  try {
    writeFileSync(path, '0');
  } catch (error) {
    if (!['ENOENT', 'EROFS'].includes(systemCode(error) ?? '')) throw error;
  }
}
