import { dirname } from 'node:path';
import type { DoctorStep } from '../api/berth/doctor.ts';
import { stepOf } from './probeSteps.ts';
import type { HostView } from './probeView.ts';

/** Programs that the engine starts, or binds into containers. */
const PROGRAMS = ['crun', 'runc', 'conmon', 'nft', 'ip', 'flock', 'tar', 'gzip', 'xz', 'zstd', 'cp', 'rm', 'du', 'ps', 'mkfifo', 'catatonit', 'tini-static', 'rootlesskit', 'slirp4netns', 'fuse-overlayfs', 'newuidmap', 'iptables'];

/** Which copy of each tool is in use: that of an engine that brought its own, or the host's. Judges nothing; other steps do. */
export function probeToolPlaces(host: HostView): DoctorStep {
  const places = new Map<string, string[]>();
  for (const program of PROGRAMS) {
    const path = host.which(program);
    if (path !== undefined) places.set(dirname(path), [...(places.get(dirname(path)) ?? []), program]);
  }
  const seen = [...places].map(([folder, programs]) => `${programs.join(', ')} in ${folder}`).join('; ');
  return stepOf('tools', 'Tools in use').ok(seen || 'none');
}
