import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Cgroups of this name directly below the root of a hierarchy. */
export async function cgroupsOf(name: string, version: '1' | '2'): Promise<string[]> {
  const roots = version === '2' ? [ROOT] : (await readdir(ROOT)).map((controller) => join(ROOT, controller));
  const found = await Promise.all(roots.map(async (root) => ((await readdir(root).catch((): string[] => [])).includes(name) ? [`cgroup ${join(root, name)}`] : [])));
  return found.flat();
}
