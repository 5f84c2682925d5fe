import { readFile, readdir } from 'node:fs/promises';

/** A process and all that descend from it, parents first. What has left the family on purpose (a daemon) is not among them. */
export async function familyOf(pid: number): Promise<number[]> {
  const parents = await parentsOfAll();
  const family = [pid];
  // Grows while it is walked: children of children follow.
  for (const parent of family) for (const [child, of] of parents) if (of === parent && !family.includes(child)) family.push(child);
  return family;
}

/** Tells a process and its family that their terminal is gone, as a closed line does: what is meant to go on ignores it. */
export async function hangUp(pid: number): Promise<void> {
  for (const one of await familyOf(pid)) {
    signal(one, 'SIGHUP');
    signal(one, 'SIGCONT');
  }
}

/** Parents by pid. */
export async function parentsOfAll(): Promise<Map<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const pairs = await Promise.all(pids.map(async (pid) => [Number(pid), parentIn(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))] as const));
  return new Map(pairs);
}

/** The parent's pid in `/proc/<pid>/stat`: two fields behind the name, which is in parentheses and may hold any. Pure. */
export function parentIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function signal(pid: number, name: 'SIGHUP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended
  }
}
