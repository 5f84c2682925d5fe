import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { parseOwnCgroup } from './probeParsers.ts';

export const CGROUP_ROOT = '/sys/fs/cgroup';

/** What can be limited, by the names of version 1; `blkio` is `io` in version 2. */
export type Controller = 'cpu' | 'cpuset' | 'memory' | 'pids' | 'blkio';

export interface CgroupFacts {
  readonly version: '1' | '2';
  /** Whether a limit on memory plus swap can be set. */
  readonly swapLimit: boolean;
  /** Whether this process may make cgroups below `parent`, and move processes there. */
  readonly usable: boolean;
  /** Of every container's cgroup; as in the OCI spec's cgroupsPath. */
  readonly parent: string;
  /** What a cgroup below `parent` can be limited in; some may not be delegated to this user, or be missing in the kernel. */
  readonly controllers: ReadonlySet<Controller>;
  /** Whether who may write the group that is the root of their namespace cannot change its limits (mount option nsdelegate of version 2). */
  readonly nsdelegate: boolean;
  /** Changes when controllers are mounted differently; part of what decides the choice of OCI runtime. */
  readonly layout: string;
}

const CONTROLLERS: readonly Controller[] = ['cpu', 'cpuset', 'memory', 'pids', 'blkio'];

/** The cgroup set-up of this host, for containers below `parent` (see cgroupParent.ts, which makes it). */
export function cgroupFacts(parent = '/'): CgroupFacts {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[4]?.startsWith(CGROUP_ROOT));
  const version = cgroupVersion();
  const layout = [...new Set(mounts.map((fields) => fields[4] ?? ''))].sort().join(' ');
  const nsdelegate = mounts.some((fields) => fields[4] === CGROUP_ROOT && fields.at(-1)?.split(',').includes('nsdelegate'));
  const common = { version, parent, layout, nsdelegate };
  if (version === '1') return { ...common, swapLimit: existsSync(join(CGROUP_ROOT, 'memory/memory.memsw.limit_in_bytes')), usable: mayMakeV1(), controllers: new Set(CONTROLLERS.filter((name) => existsSync(join(CGROUP_ROOT, name)))) };
  const folder = nearestFolder(CGROUP_ROOT, parent);
  return { ...common, swapLimit: swapLimitV2(folder), usable: mayMakeV2(CGROUP_ROOT, parent, ownCgroup()), controllers: controllersV2(folder) };
}

export function cgroupVersion(): '1' | '2' {
  return existsSync(join(CGROUP_ROOT, 'cgroup.controllers')) ? '2' : '1';
}

/** The path of this process's cgroup of version 2. */
export function ownCgroup(): string {
  return parseOwnCgroup(readFileSync('/proc/self/cgroup', 'utf8'));
}

/** A kernel started with swapaccount=0 has limits on memory without swap. The root group has no such files; those below it tell, where they have the memory controller. */
export function swapLimitV2(root: string): boolean {
  const below = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name));
  const groups = [root, ...below].filter((folder) => existsSync(join(folder, 'memory.max')));
  return groups.length === 0 || groups.some((folder) => existsSync(join(folder, 'memory.swap.max')));
}

/** What the groups below a folder of version 2 can have. */
export function controllersV2(folder: string): ReadonlySet<Controller> {
  const there = new Set(readIfThere(join(folder, 'cgroup.controllers')).trim().split(/\s+/));
  return new Set(CONTROLLERS.filter((name) => there.has(name === 'blkio' ? 'io' : name)));
}

/**
 * Whether a process of the group `own` may make groups below `parent` and be moved there: the kernel wants `cgroup.procs` of the
 * nearest group that both are below to be writable.
 */
export function mayMakeV2(root: string, parent: string, own: string, mayWrite: (path: string) => boolean = isWritable): boolean {
  return mayWrite(nearestFolder(root, parent)) && mayWrite(join(root, commonAncestor(parent, own), 'cgroup.procs'));
}

export function commonAncestor(one: string, other: string): string {
  const [left, right] = [partsOf(one), partsOf(other)];
  const end = left.findIndex((part, index) => part !== right[index]);
  return `/${left.slice(0, end < 0 ? left.length : end).join('/')}`;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** The folder of a group, or while it is not there yet of the nearest one above that is. */
function nearestFolder(root: string, path: string): string {
  let folder = join(root, path);
  while (folder.length > root.length && !existsSync(folder)) folder = dirname(folder);
  return folder;
}

const V1_NEEDED = ['cpu', 'devices', 'freezer', 'memory', 'pids'];

/** On version 1 in each hierarchy that there is of those that limit; an ordinary user may in none. */
function mayMakeV1(): boolean {
  const folders = V1_NEEDED.map((name) => join(CGROUP_ROOT, name)).filter((folder) => existsSync(folder));
  return folders.length > 0 && folders.every(isWritable);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
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
