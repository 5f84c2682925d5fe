/** Reads what the kernel and tools print. Pure. */

/** `6.1.0-18-amd64` as [6, 1]. */
export function parseKernel(release: string): readonly [number, number] | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

export interface CgroupTrees {
  /** `none`: no cgroup file system is mounted. */
  readonly mode: 'v1' | 'v2' | 'hybrid' | 'none';
  /** Controllers mounted as v1. */
  readonly v1: readonly string[];
  /** Where the v2 tree is mounted; '' if nowhere. */
  readonly v2Mount: string;
}

const CONTROLLERS = new Set(['blkio', 'cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'hugetlb', 'memory', 'misc', 'net_cls', 'net_prio', 'perf_event', 'pids', 'rdma']);

/** From /proc/self/mounts. */
export function parseCgroupMounts(mounts: string): CgroupTrees {
  const v1 = new Set<string>();
  let v2Mount = '';
  for (const line of mounts.split('\n')) {
    const [, point = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup2' && (v2Mount === '' || point === '/sys/fs/cgroup')) v2Mount = point;
    if (type === 'cgroup') for (const name of options.split(',')) if (CONTROLLERS.has(name)) v1.add(name);
  }
  const mode = v1.size > 0 ? (v2Mount === '' ? 'v1' : 'hybrid') : v2Mount === '' ? 'none' : 'v2';
  return { mode, v1: [...v1].sort(), v2Mount };
}

/** The v2 path of a process, from /proc/self/cgroup. */
export function parseOwnCgroup(text: string): string {
  return /^0::(.*)$/m.exec(text)?.[1] ?? '/';
}

/** How many ids /etc/subuid or /etc/subgid gives a user, named or by number. */
export function countSubIds(text: string, user: string, uid: number): number {
  return text
    .split('\n')
    .map((line) => line.trim().split(':'))
    .filter(([name]) => name === user || name === String(uid))
    .reduce((sum, [, , count]) => sum + (Number(count) || 0), 0);
}

/** The version in what `crun --version`, `runc --version`, `nft --version`, … print first. */
export function parseVersion(text: string): string {
  return /\d+(?:\.\d+)+[\w.+~-]*/.exec(text)?.[0] ?? 'unknown version';
}

/** The host's supported file systems, from /proc/filesystems. */
export function supportsFileSystem(text: string, name: string): boolean {
  return text.split('\n').some((line) => line.trim().split(/\s+/).at(-1) === name);
}

export function formatBytes(bytes: number): string {
  const gib = bytes / 2 ** 30;
  return gib >= 10 ? `${Math.round(gib)} GiB` : `${gib.toFixed(1)} GiB`;
}
