import { readFile, readdir, readlink } from 'node:fs/promises';

export type NamespaceKind = 'user' | 'pid';

/** A process's namespace as the kernel names it, `pid:[4026531836]`; '' for a process that is gone or not ours to look at. */
export function namespaceOf(pid: number | 'self', kind: NamespaceKind): Promise<string> {
  return readlink(`/proc/${pid}/ns/${kind}`).catch(() => '');
}

/** Pids of the processes in a namespace. */
export async function membersOf(namespace: string, kind: NamespaceKind): Promise<number[]> {
  const pids = await allPids();
  const names = await Promise.all(pids.map((pid) => namespaceOf(pid, kind)));
  return pids.filter((_pid, index) => names[index] === namespace);
}

/** A process with those that it started, and those that these started. */
export async function familyOf(first: number): Promise<number[]> {
  const parents = new Map(await Promise.all((await allPids()).map(async (pid) => [pid, await parentOf(pid)] as const)));
  const belongs = (pid: number | undefined): boolean => pid === first || (pid !== undefined && pid > 1 && belongs(parents.get(pid)));
  return [...parents.keys()].filter(belongs);
}

async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}
