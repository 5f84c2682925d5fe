import { parentsOfAll } from '../../host/processTree.ts';

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

function signal(pid: number, name: 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended
  }
}
