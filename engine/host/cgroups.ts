import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';

export const CGROUP_ROOT = '/sys/fs/cgroup';

export interface CgroupFacts {
  readonly version: '1' | '2';
  /** Whether a limit on memory plus swap can be set. */
  readonly swapLimit: boolean;
  /** Whether this process may make cgroups at all. */
  readonly usable: boolean;
  /** Changes when controllers are mounted differently; part of what decides the choice of OCI runtime. */
  readonly layout: string;
}

/** The cgroup set-up of this host. */
export function cgroupFacts(): CgroupFacts {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[4]?.startsWith(CGROUP_ROOT))
    .map((fields) => fields[4] ?? '');
  const version = existsSync(join(CGROUP_ROOT, 'cgroup.controllers')) ? '2' : '1';
  const swapLimit = version === '2' ? swapLimitV2(CGROUP_ROOT) : existsSync(join(CGROUP_ROOT, 'memory/memory.memsw.limit_in_bytes'));
  return { version, swapLimit, usable: mayMakeCgroups(version), layout: [...new Set(mounts)].sort().join(' ') };
}

/** The root group has no such files; those below it tell, where they have the memory controller. A kernel started with swapaccount=0 has limits on memory without swap. */
export function swapLimitV2(root: string): boolean {
  const groups = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name)).filter((folder) => existsSync(join(folder, 'memory.max')));
  return groups.length === 0 || groups.some((folder) => existsSync(join(folder, 'memory.swap.max')));
}

const V1_NEEDED = ['cpu', 'devices', 'freezer', 'memory', 'pids'];

/** On version 1 in each hierarchy that there is of those that limit; an ordinary user may in none. */
function mayMakeCgroups(version: '1' | '2'): boolean {
  const folders = version === '2' ? [CGROUP_ROOT] : V1_NEEDED.map((name) => join(CGROUP_ROOT, name)).filter((folder) => existsSync(folder));
  return folders.length > 0 && folders.every(isWritable);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The folder of a cgroup for one controller (version 2 has one folder for all). `path` as in the OCI spec's cgroupsPath. */
export function cgroupFolder(version: '1' | '2', controller: string, path: string): string {
  return version === '2' ? join(CGROUP_ROOT, path) : join(CGROUP_ROOT, controller, path);
}

/** The text of a cgroup file; empty if it is not there. */
export async function readCgroupFile(folder: string, file: string): Promise<string> {
  try {
    return await readFile(join(folder, file), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENODEV' || systemCode(error) === 'EOPNOTSUPP') return '';
    throw error;
  }
}

/** `key value` lines as numbers. */
export function parseKeyed(text: string): Record<string, number> {
  return Object.fromEntries(
    text
      .split('\n')
      .map((line) => line.split(' '))
      .filter((fields): fields is [string, string] => fields.length === 2)
      .map(([key, value]) => [key, Number(value)]),
  );
}

/** Whether the kernel has killed something in this cgroup for want of memory. */
export async function wasOomKilled(version: '1' | '2', path: string): Promise<boolean> {
  const folder = cgroupFolder(version, 'memory', path);
  const text = await readCgroupFile(folder, version === '2' ? 'memory.events' : 'memory.oom_control');
  return (parseKeyed(text)['oom_kill'] ?? 0) > 0;
}

/** Whether the processes of a cgroup are frozen; `undefined` where that cannot be told. */
export async function isFrozen(version: '1' | '2', path: string): Promise<boolean | undefined> {
  const folder = cgroupFolder(version, 'freezer', path);
  if (version === '2') return { 0: false, 1: true }[parseKeyed(await readCgroupFile(folder, 'cgroup.events'))['frozen'] ?? -1];
  const state = (await readCgroupFile(folder, 'freezer.state')).trim();
  return state === 'THAWED' ? false : state === '' ? undefined : true;
}

/** Pids of all processes in a cgroup and those below it. */
export async function cgroupPids(version: '1' | '2', path: string): Promise<number[]> {
  return pidsBelow(cgroupFolder(version, 'pids', path));
}

async function pidsBelow(folder: string): Promise<number[]> {
  const own = (await readCgroupFile(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  const children = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const nested = await Promise.all(children.filter((entry) => entry.isDirectory()).map((entry) => pidsBelow(join(folder, entry.name))));
  return [...own, ...nested.flat()];
}
