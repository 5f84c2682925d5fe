import { readdir } from 'node:fs/promises';
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
