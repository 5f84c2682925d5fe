import type { DoctorStep } from '../api/berth/doctor.ts';
import { readState } from './appArmor/state.ts';
import { parseKernel } from './probeParsers.ts';
import { stepOf } from './probeSteps.ts';
import type { HostView } from './probeView.ts';

/** The kernel: 5.11 brought overlay mounts in user namespaces, and everything else Berth stands on. */
export function probeKernel(host: HostView): DoctorStep {
  const step = stepOf('kernel', 'Kernel');
  const version = parseKernel(host.kernel);
  if (!version) return step.warn(`"${host.kernel}" is not a version Berth can read`, { advice: 'Berth needs Linux 5.11 or newer.' });
  const [major, minor] = version;
  if (major > 5 || (major === 5 && minor >= 11)) return step.ok(host.kernel);
  return step.fail(host.kernel, { advice: 'Berth needs Linux 5.11 or newer: update the kernel (a newer release of your distribution, or its backports or hardware-enablement kernel).' });
}

export function probeArchitecture(host: HostView): DoctorStep {
  const step = stepOf('architecture', 'Architecture');
  if (host.architecture === 'x64' || host.architecture === 'arm64') return step.ok(host.architecture);
  return step.warn(host.architecture, { advice: 'Berth is made and tested for x64 and arm64 only.' });
}

export function probeUser(host: HostView): DoctorStep {
  const step = stepOf('user', 'User');
  if (host.uid === 0) return step.ok('root');
  return step.ok(`${host.user} (uid ${host.uid}): the engine runs without root`);
}

/** AppArmor: confines containers of an engine with root. */
export async function probeAppArmor(host: HostView): Promise<DoctorStep> {
  const step = stepOf('apparmor', 'AppArmor');
  const { kernel, parser } = await readState(host);
  if (host.uid !== 0) return step.ok(kernel ? 'not for engines without root' : 'not in this kernel');
  if (!kernel) return step.ok('not in this kernel');
  if (parser !== undefined) return step.ok('containers are confined by it');
  return step.warn('in the kernel, but apparmor_parser was not found: containers are not confined by it', { advice: "Install the distribution's package apparmor, and start the engine anew." });
}

/** User namespaces: running without root stands on them; as root only mapping of users does. */
export async function probeUserNamespaces(host: HostView): Promise<DoctorStep> {
  const steps = stepOf('user-namespaces', 'User namespaces');
  const step = host.uid === 0 ? steps : { ...steps, warn: steps.fail };
  if (!host.exists('/proc/self/ns/user')) return step.warn('not in this kernel', { advice: 'Use a kernel with CONFIG_USER_NS. Only running without root and mapping of users need it.' });
  const number = async (path: string): Promise<number | undefined> => {
    const text = await host.read(path);
    return text === undefined ? undefined : Number(text.trim());
  };
  const max = await number('/proc/sys/user/max_user_namespaces');
  if (max === 0) return step.warn('user.max_user_namespaces is 0', { advice: 'sysctl -w user.max_user_namespaces=15000, and write it to /etc/sysctl.d/ to keep it.' });
  if (host.uid !== 0 && (await number('/proc/sys/kernel/unprivileged_userns_clone')) === 0) {
    return step.warn('kernel.unprivileged_userns_clone is 0: only root may make them', { advice: 'sysctl -w kernel.unprivileged_userns_clone=1, and write it to /etc/sysctl.d/ to keep it.' });
  }
  if (host.uid !== 0 && (await number('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')) === 1) {
    return steps.warn('AppArmor restricts them (kernel.apparmor_restrict_unprivileged_userns is 1)', { advice: 'Install rootlesskit from the distribution, which brings a profile that allows it; else an AppArmor profile with "userns," for rootlesskit, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.' });
  }
  return step.ok(max === undefined ? 'allowed' : `allowed, at most ${max}`);
}
