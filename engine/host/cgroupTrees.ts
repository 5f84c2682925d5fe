import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';
import { CGROUP_ROOT, readCgroupFile } from './cgroups.ts';

const PATIENCE_MS = 2_000;

/** Removes the cgroups directly below `parent`, in every hierarchy, for which `keeps(name)` is false, with the processes in them. */
export async function removeCgroupsBelow(version: '1' | '2', parent: string, keeps: (name: string) => boolean): Promise<void> {
  for (const root of await hierarchies(version)) {
    for (const name of await subfolders(join(root, parent))) if (!keeps(name)) await removeTree(join(root, parent, name));
  }
}

/** Names of the cgroups directly below `parent`, in whatever hierarchy. */
export async function cgroupsBelow(version: '1' | '2', parent: string): Promise<Set<string>> {
  return new Set((await Promise.all((await hierarchies(version)).map((root) => subfolders(join(root, parent))))).flat());
}

/** Removes a parent cgroup from every hierarchy, where it is empty. */
export async function removeCgroupParent(version: '1' | '2', path: string): Promise<void> {
  await Promise.all((await hierarchies(version)).map((root) => rmdir(join(root, path)).catch(() => undefined)));
}

async function hierarchies(version: '1' | '2'): Promise<string[]> {
  return version === '2' ? [CGROUP_ROOT] : (await subfolders(CGROUP_ROOT)).map((name) => join(CGROUP_ROOT, name));
}

async function removeTree(folder: string): Promise<void> {
  for (const name of await subfolders(folder)) await removeTree(join(folder, name));
  for (const end = Date.now() + PATIENCE_MS; ; await delay(5)) {
    for (const pid of (await readCgroupFile(folder, 'cgroup.procs')).split('\n').filter((line) => line !== '' && line !== '0')) kill(Number(pid));
    const code = await rmdir(folder).then(() => undefined, systemCode);
    // EBUSY: what was killed has not left yet
    if (code !== 'EBUSY' || Date.now() > end) return;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone
  }
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
