import { readFile, readdir } from 'node:fs/promises';

/**
 * Kills a process of this host and all that descends from it. It is stopped before its children are looked up, so that it
 * makes no new ones meanwhile. What has left the family on purpose (a daemon) stays.
 */
export async function killTree(pid: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  const parents = await parentsOfAll();
  const tree = [pid];
  // Grows while it is walked: children of children follow.
  for (const parent of tree) {
    for (const [child, of] of parents) {
      if (of !== parent || tree.includes(child)) continue;
      signal(child, 'SIGSTOP');
      tree.push(child);
    }
  }
  for (const one of tree) signal(one, 'SIGKILL');
}

async function parentsOfAll(): Promise<Map<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const pairs = await Promise.all(pids.map(async (pid) => [Number(pid), parentIn(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))] as const));
  return new Map(pairs);
}

/** The parent's pid in `/proc/<pid>/stat`: two fields behind the name, which is in parentheses and may hold any. Pure. */
export function parentIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended
  }
}
