// Test and bench set-up for hybrid cgroup hosts: crun 1.8 refuses while any controller is left on the v2 tree.
// Not done by the product: it would change the host for everybody. runc needs nothing of this.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';

/** Mounts each controller that only the v2 tree of a hybrid host has (usually hugetlb, misc) as a v1 hierarchy of its own. */
export function useCgroupV1Everywhere() {
  const left = '/sys/fs/cgroup/unified/cgroup.controllers';
  if (!existsSync(left)) return;
  for (const controller of readFileSync(left, 'utf8').trim().split(/\s+/).filter(Boolean)) {
    const folder = `/sys/fs/cgroup/${controller}`;
    mkdirSync(folder, { recursive: true });
    const result = spawnSync('mount', ['-t', 'cgroup', '-o', controller, 'cgroup', folder], { encoding: 'utf8' });
    if (result.status !== 0) console.log(`Could not mount the ${controller} controller as v1 (${result.stderr.trim()}): tests use runc where crun refuses.`);
  }
}
