import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { CGROUP_ROOT, cgroupVersion } from './cgroups.ts';

/**
 * Makes the parent of every container's cgroup, on version 2, with all controllers that there are for it. On version 1 the OCI runtime
 * makes it. What this user may not do is left as it is: `cgroupFacts` sees what came of it.
 */
export async function prepareCgroupParent(parent: string): Promise<void> {
  if (cgroupVersion() === '2') await prepareParentV2(CGROUP_ROOT, parent);
}

export async function prepareParentV2(root: string, parent: string): Promise<void> {
  try {
    await mkdir(join(root, parent), { recursive: true });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return;
  }
  await evacuate(join(root, dirname(parent)));
  for (const path of pathsTo(parent)) await enableControllers(join(root, path));
}

/** `/`, `/a`, `/a/b` for `/a/b`. */
function pathsTo(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return ['/', ...parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

const ROUNDS = 20;

/**
 * A group with processes cannot give controllers to groups below; so is the root in a container that has a cgroup namespace of its own, and a group that an ordinary
 * user was given and is in. They are moved to a group below, as systemd does it where it is the first process.
 */
async function evacuate(group: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = await processesIn(group);
    if (pids.length === 0) return;
    try {
      await mkdir(join(group, 'init'), { recursive: true });
      // One by one, as the kernel wants it; one that has ended meanwhile is none that has to be moved.
      for (const pid of pids) await writeFile(join(group, 'init/cgroup.procs'), pid).catch((error: unknown) => (systemCode(error) === 'ESRCH' ? undefined : Promise.reject(error as Error)));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return;
    }
  }
}

/** Of a group that is not the kernel's root, which may have processes and give controllers at the same time. */
async function processesIn(folder: string): Promise<string[]> {
  if (!existsSync(join(folder, 'cgroup.type'))) return [];
  return (await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
}

/**
 * Gives the groups below all that this one has, one by one: a controller that is refused must not keep the others away. While it has processes, none: the kernel
 * would give the few that can be had by threads, and then lets no process into the groups below.
 */
async function enableControllers(folder: string): Promise<void> {
  if ((await processesIn(folder)).length > 0) return;
  const [there, given] = await Promise.all(['cgroup.controllers', 'cgroup.subtree_control'].map(async (file) => (await readFile(join(folder, file), 'utf8').catch(() => '')).trim().split(/\s+/)));
  for (const name of there ?? []) {
    if (name === '' || given?.includes(name)) continue;
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${name}`).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }
}

const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOENT', 'EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'ENODEV', 'EAGAIN']);

function isRefusal(error: unknown): boolean {
  return REFUSALS.has(systemCode(error) ?? '');
}
