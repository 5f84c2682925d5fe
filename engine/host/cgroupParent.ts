import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  for (const path of pathsTo(parent)) await enableControllers(join(root, path));
}

/** `/`, `/a`, `/a/b` for `/a/b`. */
function pathsTo(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return ['/', ...parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

/** Gives the groups below all that this one has, one by one: a controller that is refused must not keep the others away. */
async function enableControllers(folder: string): Promise<void> {
  const [there, given] = await Promise.all(['cgroup.controllers', 'cgroup.subtree_control'].map(async (file) => (await readFile(join(folder, file), 'utf8').catch(() => '')).trim().split(/\s+/)));
  for (const name of there ?? []) {
    if (name === '' || given?.includes(name)) continue;
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${name}`).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }
}

const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOENT', 'EINVAL', 'EOPNOTSUPP', 'ENODEV', 'EAGAIN']);

function isRefusal(error: unknown): boolean {
  return REFUSALS.has(systemCode(error) ?? '');
}
