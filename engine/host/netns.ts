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

/** `ip` is looked for by hand: BusyBox's shell takes its own before what is on PATH. */
const SETTLE = 'for place in default "$@"; do for name in accept_ra accept_redirects; do { echo 0 > "/proc/sys/net/ipv6/conf/$place/$name"; } 2>/dev/null; done; done; IFS=:; for folder in $PATH; do if [ -x "$folder/ip" ]; then exec "$folder/ip" -batch -; fi; done; exec ip -batch -';

/**
 * Runs `lines` as `ipBatch` does, inside a new namespace, once its devices, these and those that come later, have been told to take no routes from
 * router advertisements and redirects: any neighbour could give itself out for a router. Where the kernel has no IPv6 there is nothing to tell.
 */
export async function settleNetns(path: string, devices: readonly string[], lines: readonly string[]): Promise<void> {
  await run('nsenter', [`--net=${path}`, '--', 'sh', '-c', SETTLE, 'sh', ...devices], { input: `${lines.join('\n')}\n` });
}
