import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { run } from './process.ts';

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

const DEAFEN = 'for one; do nsenter --net="$one" -- sh -c "for name in accept_ra accept_redirects; do echo 0 > /proc/sys/net/ipv6/conf/default/\\$name; done" || true; done';

/** New devices of these namespaces take no routes from router advertisements and redirects. Nothing to do where the kernel has no IPv6. */
export async function deafenNetns(paths: readonly string[]): Promise<void> {
  await run('sh', ['-c', DEAFEN, 'sh', ...paths]);
}
