import { join } from 'node:path';
import type { DoctorStep } from '../api/berth/doctor.ts';
import { parseCgroupMounts, parseOwnCgroup } from './probeParsers.ts';
import type { CgroupTrees } from './probeParsers.ts';
import { stepOf } from './probeSteps.ts';
import type { HostView } from './probeView.ts';

/** Without these a limit asked for is not kept. */
const NEEDED: readonly string[] = ['cpu', 'memory', 'pids'];
const ALL = [...NEEDED, 'cpuset', 'io'];

export interface CgroupFacts extends CgroupTrees {
  /** Controllers usable through the v2 tree: all of the host's for root, the delegated ones for a user. */
  readonly v2: readonly string[];
  /** How an ordinary user comes to groups of their own: by their systemd, or as their own group was given to them; `none`: not at all. */
  readonly delegation: 'systemd' | 'own group' | 'none';
}

export async function readCgroups(host: HostView): Promise<CgroupFacts> {
  const trees = parseCgroupMounts((await host.read('/proc/self/mounts')) ?? '');
  if (trees.v2Mount === '') return { ...trees, v2: [], delegation: 'none' };
  const { folder, delegation } = await usableFolder(host, trees);
  const text = (await host.read(join(folder, 'cgroup.controllers'))) ?? '';
  return { ...trees, v2: text.trim().split(/\s+/).filter((name) => name !== ''), delegation };
}

async function usableFolder(host: HostView, { mode, v2Mount }: CgroupTrees): Promise<{ readonly folder: string; readonly delegation: CgroupFacts['delegation'] }> {
  if (host.uid === 0 || mode !== 'v2') return { folder: v2Mount, delegation: 'none' };
  const own = parseOwnCgroup((await host.read('/proc/self/cgroup')) ?? '');
  // systemd delegates to a user at `user@<uid>.service`; a login session is beside it.
  const manager = /^.*\/user@\d+\.service/.exec(own)?.[0] ?? `/user.slice/user-${host.uid}.slice/user@${host.uid}.service`;
  const asked = host.exists('/run/systemd/system') && host.which('systemd-run') !== undefined && host.which('busctl') !== undefined;
  if (asked && host.exists(join(v2Mount, manager))) return { folder: join(v2Mount, manager), delegation: 'systemd' };
  const folder = join(v2Mount, own);
  return { folder, delegation: host.mayUse(join(folder, 'cgroup.procs')) ? 'own group' : 'none' };
}

export function probeCgroups(host: HostView, facts: CgroupFacts): DoctorStep {
  const step = stepOf('cgroups', 'Control groups');
  if (facts.mode === 'none') return step.fail('no cgroup file system is mounted', { advice: 'Mount one: mount -t cgroup2 none /sys/fs/cgroup (systemd and most init systems do that).' });
  if (host.uid !== 0) return probeDelegated(step, facts);
  const seen = describe(facts);
  const usable = new Set([...facts.v1, ...facts.v2]);
  const missing = NEEDED.filter((name) => !usable.has(name));
  if (missing.length === 0) return step.ok(seen);
  const kernelLine = missing.includes('memory') ? ' On Raspberry Pi OS and some cloud kernels, add cgroup_enable=memory to the kernel command line and restart.' : '';
  return step.warn(`${seen}; missing: ${missing.join(', ')}`, { advice: `Limits on ${missing.join(', ')} will not be kept.${kernelLine}` });
}

const DELEGATE = 'As root: mkdir -p /etc/systemd/system/user@.service.d && printf "[Service]\\nDelegate=cpu cpuset io memory pids\\n" > /etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload; then log in anew.';

/** What an ordinary user may limit. Hierarchies of version 1 are never theirs. */
function probeDelegated(step: ReturnType<typeof stepOf>, facts: CgroupFacts): DoctorStep {
  if (facts.mode !== 'v2' || facts.delegation === 'none') {
    const why = facts.mode === 'v2' ? 'none are delegated to you' : 'version 1 is root’s';
    const advice = facts.mode === 'v2' ? 'Log in so that systemd starts your user manager (by ssh or a console, not by su), with dbus-user-session installed; or run the engine as root where limits matter.' : 'Run the engine as root where limits matter.';
    return step.warn(`${describe(facts)}; an ordinary user's containers cannot be limited, measured or paused (${why})`, { advice });
  }
  const seen = `${describe(facts)}, delegated to you (${facts.delegation})`;
  const missing = ALL.filter((name) => !facts.v2.includes(name));
  if (missing.length === 0) return step.ok(seen);
  const lacking = `${seen}; not delegated: ${missing.join(', ')}`;
  // systemd gives these two to nobody unless it is told to, and few containers are limited in them.
  if (missing.every((name) => !NEEDED.includes(name))) return step.ok(lacking);
  return step.warn(lacking, { advice: `Limits on ${missing.join(', ')} will not be kept. ${facts.delegation === 'systemd' ? DELEGATE : 'Whoever made your control group can give it more.'}` });
}

function describe({ mode, v1, v2 }: CgroupFacts): string {
  if (mode === 'v2') return `v2: ${v2.join(' ') || 'no controllers'}`;
  if (mode === 'v1') return `v1: ${v1.join(' ')}`;
  return `hybrid: v1 ${v1.join(' ')}; v2 ${v2.join(' ') || 'no controllers'}`;
}
