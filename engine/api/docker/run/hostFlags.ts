import { FlagUnsupported, integer, must, switched, valued } from './flags.ts';
import type { RunFlag } from './flags.ts';
import { parseBytes, parseDevice, parseUlimit } from './quantities.ts';

const bytes = (value: string): number => must(value === '-1' ? -1 : parseBytes(value), 'a size, as 512m or 2g');

const deviceAnd = (value: string): { Path: string; rest: string } => {
  const match = must(/^(\/.+):([^:]+)$/.exec(value) ?? undefined, '/dev/name:value');
  return { Path: match[1] ?? '', rest: match[2] ?? '' };
};

const rateOf = (value: string, parse: (text: string) => number): { Path: string; Rate: number } => {
  const { Path, rest } = deviceAnd(value);
  return { Path, Rate: parse(rest) };
};

/** What the container may do, and how much of the host it gets. */
export const hostFlags: readonly RunFlag[] = [
  switched('privileged', "give it the host's devices and every capability", (draft, on) => void (draft.body.HostConfig.Privileged = on)),
  valued('cap-add', 'CAPABILITY', 'add a capability', (draft, value) => void (draft.body.HostConfig.CapAdd ??= []).push(value)),
  valued('cap-drop', 'CAPABILITY', 'drop a capability', (draft, value) => void (draft.body.HostConfig.CapDrop ??= []).push(value)),
  valued('security-opt', 'OPTION', 'seccomp=…, apparmor=…, label=…, no-new-privileges', (draft, value) => void (draft.body.HostConfig.SecurityOpt ??= []).push(value)),
  switched('read-only', 'make the root file system read-only', (draft, on) => void (draft.body.HostConfig.ReadonlyRootfs = on)),
  valued('memory m', 'BYTES', 'memory limit, as 512m or 2g', (draft, value) => void (draft.body.HostConfig.Memory = bytes(value))),
  valued('memory-swap', 'BYTES', 'limit of memory and swap together; -1: none', (draft, value) => void (draft.body.HostConfig.MemorySwap = bytes(value))),
  valued('memory-reservation', 'BYTES', 'soft memory limit', (draft, value) => void (draft.body.HostConfig.MemoryReservation = bytes(value))),
  switched('oom-kill-disable', 'do not kill it when memory runs out', (draft, on) => void (draft.body.HostConfig.OomKillDisable = on)),
  valued('oom-score-adj', 'N', 'preference of the out-of-memory killer', (draft, value) => void (draft.body.HostConfig.OomScoreAdj = integer(value))),
  valued('cpus', 'N', 'processors, as 1.5', (draft, value) => void (draft.body.HostConfig.NanoCpus = Math.round(must(/^\d*\.?\d+$/.test(value) ? Number(value) : undefined, 'a number, as 1.5') * 1e9))),
  valued('cpu-shares c', 'N', 'relative weight', (draft, value) => void (draft.body.HostConfig.CpuShares = integer(value))),
  valued('cpu-period', 'MICROSECONDS', 'length of a scheduling period', (draft, value) => void (draft.body.HostConfig.CpuPeriod = integer(value))),
  valued('cpu-quota', 'MICROSECONDS', 'processor time in a period', (draft, value) => void (draft.body.HostConfig.CpuQuota = integer(value))),
  valued('cpuset-cpus', 'LIST', 'processors it may use, as 0-3,5', (draft, value) => void (draft.body.HostConfig.CpusetCpus = value)),
  valued('cpuset-mems', 'LIST', 'memory nodes it may use', (draft, value) => void (draft.body.HostConfig.CpusetMems = value)),
  valued('pids-limit', 'N', 'limit of processes', (draft, value) => void (draft.body.HostConfig.PidsLimit = integer(value))),
  valued('blkio-weight', 'N', 'share of the block devices, 10 to 1000', (draft, value) => void (draft.body.HostConfig.BlkioWeight = integer(value))),
  valued('blkio-weight-device', 'DEVICE:N', 'share of one block device', (draft, value) => {
    const { Path, rest } = deviceAnd(value);
    (draft.body.HostConfig.BlkioWeightDevice ??= []).push({ Path, Weight: integer(rest) });
  }),
  valued('device-read-bps', 'DEVICE:BYTES', 'bytes a second read from a block device', (draft, value) => void (draft.body.HostConfig.BlkioDeviceReadBps ??= []).push(rateOf(value, bytes))),
  valued('device-write-bps', 'DEVICE:BYTES', 'bytes a second written to a block device', (draft, value) => void (draft.body.HostConfig.BlkioDeviceWriteBps ??= []).push(rateOf(value, bytes))),
  valued('device-read-iops', 'DEVICE:N', 'reads a second from a block device', (draft, value) => void (draft.body.HostConfig.BlkioDeviceReadIOps ??= []).push(rateOf(value, integer))),
  valued('device-write-iops', 'DEVICE:N', 'writes a second to a block device', (draft, value) => void (draft.body.HostConfig.BlkioDeviceWriteIOps ??= []).push(rateOf(value, integer))),
  valued('shm-size', 'BYTES', 'size of /dev/shm', (draft, value) => void (draft.body.HostConfig.ShmSize = bytes(value))),
  valued('ulimit', 'NAME=SOFT[:HARD]', 'resource limit', (draft, value) => void (draft.body.HostConfig.Ulimits ??= []).push(must(parseUlimit(value), 'name=soft[:hard], the soft limit not above the hard one'))),
  valued('device', 'HOST[:INSIDE[:rwm]]', 'give it a device', (draft, value) => void (draft.body.HostConfig.Devices ??= []).push(must(parseDevice(value), '/dev/x[:/dev/y][:rwm]'))),
  valued('device-cgroup-rule', 'RULE', 'rule for devices', (draft, value) => void (draft.body.HostConfig.DeviceCgroupRules ??= []).push(value)),
  valued('sysctl', 'NAME=VALUE', 'kernel parameter', (draft, value) => {
    const match = must(/^([^=]+)=(.*)$/.exec(value) ?? undefined, 'name=value');
    (draft.body.HostConfig.Sysctls ??= {})[match[1] ?? ''] = match[2] ?? '';
  }),
  valued('ipc', 'MODE', 'IPC namespace', (draft, value) => void (draft.body.HostConfig.IpcMode = value)),
  valued('pid', 'MODE', 'PID namespace', (draft, value) => void (draft.body.HostConfig.PidMode = value)),
  valued('uts', 'MODE', 'UTS namespace', (draft, value) => void (draft.body.HostConfig.UTSMode = value)),
  valued('userns', 'MODE', 'user namespace', (draft, value) => void (draft.body.HostConfig.UsernsMode = value)),
  valued('cgroupns', 'MODE', 'cgroup namespace', (draft, value) => void (draft.body.HostConfig.CgroupnsMode = value)),
  valued('cgroup-parent', 'PATH', 'parent cgroup', (draft, value) => void (draft.body.HostConfig.CgroupParent = value)),
  valued('log-driver', 'NAME', 'log driver', (draft, value) => void ((draft.body.HostConfig.LogConfig ??= { Type: '', Config: {} }).Type = value)),
  valued('log-opt', 'NAME=VALUE', 'option of the log driver', (draft, value) => {
    const match = must(/^([^=]+)=(.*)$/.exec(value) ?? undefined, 'name=value');
    (draft.body.HostConfig.LogConfig ??= { Type: '', Config: {} }).Config[match[1] ?? ''] = match[2] ?? '';
  }),
  valued('runtime', 'NAME', 'OCI runtime', (draft, value) => void (draft.body.HostConfig.Runtime = value)),
  valued('gpus', 'N', 'GPUs (not supported in this version)', () => {
    throw new FlagUnsupported('GPUs are not supported by this version of Berth');
  }),
];

/** What the client does, not the container. */
export const clientFlags: readonly RunFlag[] = [
  switched('detach d', 'run in the background and print the id', (draft, on) => void (draft.detach = on)),
  valued('attach a', 'STREAM', 'stdin, stdout or stderr', (draft, value) => void (draft.attach ??= []).push(must(/^(stdin|stdout|stderr)$/i.test(value) ? value.toLowerCase() : undefined, 'stdin, stdout or stderr'))),
  valued('detach-keys', 'KEYS', 'keys that leave it running, as ctrl-p,ctrl-q', (draft, value) => void (draft.detachKeys = value)),
  switched('sig-proxy', 'pass signals on (default true)', (draft, on) => void (draft.sigProxy = on)),
  valued('pull', 'WHEN', 'always, missing (default) or never', (draft, value) => void (draft.pull = must(value === 'always' || value === 'missing' || value === 'never' ? value : undefined, 'always, missing or never'))),
  valued('platform', 'OS/ARCH', 'platform of the image', (draft, value) => void (draft.platform = value)),
  valued('cidfile', 'FILE', 'write the id to this file', (draft, value) => void (draft.cidfile = value)),
  switched('quiet q', 'do not show the progress of a pull', (draft, on) => void (draft.quiet = on)),
  switched('help', 'show this help', (draft, on) => void (draft.help = on)),
];
