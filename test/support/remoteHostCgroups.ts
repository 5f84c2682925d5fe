import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** One cgroup of this name in each hierarchy of the machine, so that what runs on the host can neither see nor touch the machine's own. */
export async function makeCgroups(name: string): Promise<string[]> {
  const groups = (await hierarchies()).map((root) => join(root, name));
  for (const group of groups) {
    await mkdir(group, { recursive: true });
    // A cpuset of version 1 starts empty and takes no process before it has processors and memory.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const value = await readFile(join(group, '..', file), 'utf8').catch(() => '');
      if (value !== '') await writeFile(join(group, file), value).catch(() => undefined);
    }
  }
  return groups;
}

/** Removes them with everything below; the processes are gone or on their way. */
export async function removeCgroups(groups: readonly string[]): Promise<void> {
  for (const group of groups) await removeTree(group);
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  for (const end = Date.now() + 5_000; ; await delay(10)) {
    const failed = await rmdir(folder).then(() => false, (error: NodeJS.ErrnoException) => error.code === 'EBUSY');
    if (!failed || Date.now() > end) return;
  }
}

async function hierarchies(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith('/sys/fs/cgroup'));
}
