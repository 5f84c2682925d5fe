import { join } from 'node:path';
import type { DoctorStep } from '../api/berth/doctor.ts';
import { parseCgroupMounts, parseOwnCgroup } from './probeParsers.ts';
import type { CgroupTrees } from './probeParsers.ts';
import { stepOf } from './probeSteps.ts';
import type { HostView } from './probeView.ts';

/** Without these a limit asked for is not kept. */
const NEEDED = ['cpu', 'memory', 'pids'];

export interface CgroupFacts extends CgroupTrees {
  /** Controllers usable through the v2 tree: all of the host's for root, the delegated ones for a user. */
  readonly v2: readonly string[];
}

export async function readCgroups(host: HostView): Promise<CgroupFacts> {
  const trees = parseCgroupMounts((await host.read('/proc/self/mounts')) ?? '');
  if (trees.v2Mount === '') return { ...trees, v2: [] };
  const folder = host.uid === 0 || trees.mode !== 'v2' ? trees.v2Mount : join(trees.v2Mount, delegatedFolder(parseOwnCgroup((await host.read('/proc/self/cgroup')) ?? '')));
  const text = (await host.read(join(folder, 'cgroup.controllers'))) ?? '';
  return { ...trees, v2: text.trim().split(/\s+/).filter((name) => name !== '') };
}

/** systemd delegates to a user at `user@<uid>.service`. */
function delegatedFolder(own: string): string {
  return /^.*\/user@\d+\.service/.exec(own)?.[0] ?? own;
}

export function probeCgroups(host: HostView, facts: CgroupFacts): DoctorStep {
  const step = stepOf('cgroups', 'Control groups');
  if (facts.mode === 'none') return step.fail('no cgroup file system is mounted', { advice: 'Mount one: mount -t cgroup2 none /sys/fs/cgroup (systemd and most init systems do that).' });
  const seen = describe(facts);
  if (host.uid !== 0) {
    // Hierarchies of version 1 are never an ordinary user's; what systemd delegates of version 2 the engine does not use.
    const why = facts.mode === 'v2' ? 'this version does not use control groups that are delegated to you' : 'version 1 is root’s';
    return step.warn(`${seen}; an ordinary user's containers cannot be limited, measured or paused (${why})`, { advice: 'Run the engine as root where limits matter.' });
  }
  const usable = new Set([...facts.v1, ...facts.v2]);
  const missing = NEEDED.filter((name) => !usable.has(name));
  if (missing.length === 0) return step.ok(seen);
  const kernelLine = missing.includes('memory') ? ' On Raspberry Pi OS and some cloud kernels, add cgroup_enable=memory to the kernel command line and restart.' : '';
  return step.warn(`${seen}; missing: ${missing.join(', ')}`, { advice: `Limits on ${missing.join(', ')} will not be kept.${kernelLine}` });
}

function describe({ mode, v1, v2 }: CgroupFacts): string {
  if (mode === 'v2') return `v2: ${v2.join(' ') || 'no controllers'}`;
  if (mode === 'v1') return `v1: ${v1.join(' ')}`;
  return `hybrid: v1 ${v1.join(' ')}; v2 ${v2.join(' ') || 'no controllers'}`;
}
