import type { DoctorStep } from '../api/berth/doctor.ts';
import { countSubIds, parseKernel } from './probeParsers.ts';
import { stepOf } from './probeSteps.ts';
import { INSTALL } from './probeTools.ts';
import type { HostView } from './probeView.ts';

/* What an engine without root stands on. As root none of it is needed. */

const NOT_NEEDED = 'not needed as root';
const RANGES = 65536;

/** Ranges of further user and group ids, which are mapped into the engine's user namespace. */
export async function probeSubIds(host: HostView): Promise<DoctorStep> {
  const step = stepOf('subids', 'Subordinate ids');
  if (host.uid === 0) return step.ok(NOT_NEEDED);
  const without = 'Without them the engine maps your own id only: all files of images belong to root, and programs that change their user (apt, sshd) fail.';
  if (host.which('newuidmap') === undefined || host.which('newgidmap') === undefined) return step.warn('newuidmap was not found', { advice: `${without} ${INSTALL}`, tools: ['newuidmap'] });
  const count = async (path: string): Promise<number> => countSubIds((await host.read(path)) ?? '', host.user, host.uid);
  const [uids, gids] = [await count('/etc/subuid'), await count('/etc/subgid')];
  if (uids >= RANGES && gids >= RANGES) return step.ok(`${uids} user ids, ${gids} group ids`);
  return step.warn(`${uids} user ids, ${gids} group ids; ${RANGES} of each are needed`, { advice: `${without} As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${host.user} (a range that no other user of the host has)` });
}

export function probeRootlessTools(host: HostView): DoctorStep {
  const step = stepOf('rootless-tools', 'Tools for running without root');
  if (host.uid === 0) return step.ok(NOT_NEEDED);
  const wanted = ['rootlesskit', 'slirp4netns', 'nsenter'];
  const missing = wanted.filter((tool) => host.which(tool) === undefined);
  return missing.length === 0 ? step.ok(wanted.join(', ')) : step.fail(`not found: ${missing.join(', ')}`, { advice: INSTALL, tools: missing });
}

/** slirp4netns makes the network's way out of it. */
export function probeTun(host: HostView): DoctorStep {
  const step = stepOf('tun', 'TUN device');
  const path = '/dev/net/tun';
  if (host.uid === 0) return step.ok(host.exists(path) ? path : `no ${path}; ${NOT_NEEDED}`);
  if (!host.exists(path)) return step.fail(`no ${path}`, { advice: 'As root: modprobe tun. Networking without root needs it.' });
  return host.mayUse(path) ? step.ok(path) : step.fail(`${path} is closed to you`, { advice: `As root: chmod 666 ${path}, as it is on most systems (a udev rule keeps it so). Networking without root needs it.` });
}

/** Only where the kernel makes no overlay in a user namespace. */
export function probeFuse(host: HostView): DoctorStep {
  const step = stepOf('fuse', 'fuse-overlayfs');
  const [major = 0, minor = 0] = parseKernel(host.kernel) ?? [];
  if (host.uid === 0 || major > 5 || (major === 5 && minor >= 11)) return step.ok(host.uid === 0 ? NOT_NEEDED : 'not needed with this kernel');
  if (host.which('fuse-overlayfs') === undefined) return step.fail('fuse-overlayfs was not found, and this kernel makes no overlay without root', { advice: INSTALL, tools: ['fuse-overlayfs'] });
  return host.mayUse('/dev/fuse') ? step.ok('fuse-overlayfs') : step.fail('/dev/fuse is closed to you, and this kernel makes no overlay without root', { advice: 'As root: modprobe fuse; chmod 666 /dev/fuse' });
}

/** systemd takes a user's runtime folder away, sockets included, and ends what their own systemd keeps, when their last session ends. */
export function probeLinger(host: HostView, runRoot: string): DoctorStep {
  const step = stepOf('linger', 'After you log out');
  if (host.uid === 0) return step.ok(NOT_NEEDED);
  if (!runRoot.startsWith('/run/user/') || !host.exists('/run/systemd/system') || host.exists(`/var/lib/systemd/linger/${host.user}`)) return step.ok('containers go on');
  return step.warn('systemd ends your containers and removes your runtime folder', { advice: `loginctl enable-linger (where that is refused, as root: loginctl enable-linger ${host.user})` });
}
