import type { EngineConfig } from '../base/config.ts';
import type { DoctorStep } from '../api/berth/doctor.ts';
import { formatBytes, supportsFileSystem } from './probeParsers.ts';
import { stepOf } from './probeSteps.ts';
import type { HostView } from './probeView.ts';

const GIB = 2 ** 30;

/** Mounts an overlay on the file system that will hold the data, writes through it, and takes it away. */
export async function probeOverlay(host: HostView, dataRoot: string): Promise<DoctorStep> {
  const step = stepOf('overlay', 'overlayfs');
  if (host.uid !== 0) {
    const known = supportsFileSystem((await host.read('/proc/filesystems')) ?? '', 'overlay');
    return known ? step.ok('in this kernel; not tried, only root may') : step.warn('not loaded', { advice: 'modprobe overlay' });
  }
  const { folder, writable } = await host.storage(dataRoot);
  if (!writable) return step.fail(`${folder} is not writable`, { advice: 'Choose another place for the data by BERTH_DATA_ROOT, or remount it writable.' });
  const problem = await host.tryOverlay(folder);
  if (problem === undefined) return step.ok(`mounted and written in ${folder}`);
  return step.fail(`in ${folder}: ${problem}`, { advice: 'modprobe overlay. If that is not it, the file system cannot hold an overlay (another overlay, NFS, some encrypted folders): put the data elsewhere by BERTH_DATA_ROOT, on ext4, xfs or btrfs.' });
}

export async function probeDisk(host: HostView, dataRoot: string): Promise<DoctorStep> {
  const step = stepOf('disk', 'Disk space');
  const { folder, free } = await host.storage(dataRoot);
  const seen = `${formatBytes(free)} free for ${dataRoot}${folder === dataRoot ? '' : ` (in ${folder})`}`;
  if (free < GIB) return step.fail(seen, { advice: 'Free some space, or choose another place by BERTH_DATA_ROOT: an image and a container need about 1 GiB.' });
  return free < 5 * GIB ? step.warn(seen, { advice: 'That is enough for a few small images only.' }) : step.ok(seen);
}

/** Whether this user can reach the engine, or could start one. */
export async function probeSocket(host: HostView, { socketPath, runRoot }: EngineConfig): Promise<DoctorStep> {
  const step = stepOf('socket', 'Socket');
  const answer = await host.trySocket(socketPath);
  if (answer === 'open') return step.ok(`an engine answers at ${socketPath}`);
  if (answer === 'EACCES' || answer === 'EPERM') return step.fail(`${socketPath} belongs to another user`, { advice: 'Run berth as that user (sudo berth …), or set BERTH_SOCKET to an engine of your own.' });
  const { folder, writable } = await host.storage(runRoot);
  if (!writable) return step.fail(`no engine runs, and ${folder} is not writable for its socket`, { advice: 'Run as a user who may write there, or set BERTH_RUN_ROOT.' });
  return step.ok(`no engine runs at ${socketPath}; it starts on demand`);
}
