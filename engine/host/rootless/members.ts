import { setTimeout as delay } from 'node:timers/promises';
import { membersOf } from '../namespaceMembers.ts';
import { run } from '../process.ts';

const PATIENCE_MS = 10_000;

/** The words before a command that is to run as root of the user namespace that a process is in. */
export function enter(pid: number, namespaces: readonly ('mount' | 'net')[] = []): string[] {
  return ['--target', String(pid), '--user', '--preserve-credentials', ...namespaces.map((name) => `--${name}`)];
}

/**
 * Ends everything in a user namespace (`user:[…]`) whose keeper was lost: without its network nothing in there is of use, and no engine can come back to it.
 * Many of these processes are of other ids than ours; as root of their namespace we may end them.
 */
export async function endMembers(namespace: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(20)) {
    const pids = await membersOf(namespace, 'user');
    const [first] = pids;
    if (first === undefined) return;
    // One that ends meanwhile is none that fails us.
    await run('nsenter', [...enter(first), 'sh', '-c', 'kill -KILL "$@"', 'sh', ...pids.map(String)], { okStatus: 'any' });
  }
}
