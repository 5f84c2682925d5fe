import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { HostConfig } from '../api/docker/container.ts';
import { invalidConfig } from './errors.ts';

const MIN_MEMORY = 6 * 1024 * 1024;
/** More than any kernel's. */
const MOST_CPUS = 65_536;

function fail(detail: string): never {
  throw invalidConfig({ what: 'invalid container config', detail });
}

/** What the kernel or another part would refuse later, or take for something else, refused at once in Docker's words. Pure. Throws INVALID_CONTAINER_CONFIG. */
export function checkHostConfig(host: HostConfig, cpus = availableParallelism(), online = onlineCpus()): void {
  checkMemory(host);
  checkCpu(host, cpus);
  checkCpuset(host.CpusetCpus ?? '', online);
  checkModes(host);
  checkRestartPolicy(host);
  if ((host.OomScoreAdj ?? 0) < -1000 || (host.OomScoreAdj ?? 0) > 1000) fail(`Invalid value ${host.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  if ((host.ShmSize ?? 0) < 0) fail('SHM size can not be less than 0');
  if (host.BlkioWeight && (host.BlkioWeight < 10 || host.BlkioWeight > 1000)) fail('Range of blkio weight is from 10 to 1000');
  for (const rule of host.DeviceCgroupRules ?? []) if (!DEVICE_RULE.test(rule)) fail(`invalid device cgroup rule format: '${rule}'`);
  for (const { PathOnHost, CgroupPermissions } of host.Devices ?? []) if (CgroupPermissions && !/^[rwm]{1,3}$/.test(CgroupPermissions)) fail(`invalid permissions '${CgroupPermissions}' of device ${PathOnHost}: r, w and m`);
}

/** `c 13:* rwm`; `a *:* rwm` is every device. */
export const DEVICE_RULE = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/;

function checkMemory({ Memory, MemorySwap, MemoryReservation, MemorySwappiness }: HostConfig): void {
  if (Memory && Memory < MIN_MEMORY) fail('Minimum memory limit allowed is 6MB');
  if (!Memory && MemorySwap && MemorySwap > 0) fail('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (Memory && MemorySwap && MemorySwap > 0 && MemorySwap < Memory) fail('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (MemoryReservation && MemoryReservation < MIN_MEMORY) fail('Minimum memory reservation allowed is 6MB');
  if (Memory && MemoryReservation && Memory < MemoryReservation) fail('Minimum memory limit can not be less than memory reservation limit, see usage');
  if (MemorySwappiness != null && (MemorySwappiness < -1 || MemorySwappiness > 100)) fail(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
}

function checkCpu(host: HostConfig, cpus: number): void {
  const { NanoCpus, CpuPeriod, CpuQuota } = host;
  if (NanoCpus && (NanoCpus < 0 || NanoCpus > cpus * 1e9)) fail(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (NanoCpus && (CpuQuota || CpuPeriod)) fail('Conflicting options: Nano CPUs and CPU Period/Quota cannot both be set');
  if (CpuPeriod && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) fail('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  if (CpuQuota && CpuQuota > 0 && CpuQuota < 1000) fail('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  for (const [what, list] of [['cpus', host.CpusetCpus], ['mems', host.CpusetMems]] as const) {
    if (list && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list)) fail(`Invalid value ${list} for cpuset ${what}`);
  }
}

function checkRestartPolicy({ RestartPolicy, AutoRemove }: HostConfig): void {
  const { Name = '', MaximumRetryCount: most = 0 } = RestartPolicy ?? {};
  if ((most ?? 0) < 0) fail('maximum retry count cannot be negative');
  if (most && Name !== 'on-failure') fail(`maximum retry count cannot be used with restart policy '${Name || 'no'}'`);
  if (AutoRemove && Name && Name !== 'no') fail("can't create 'AutoRemove' container with restart policy");
}

/** `online`: the kernel's list, `0-3,6`; '' where it says none. */
function checkCpuset(wanted: string, online: string): void {
  if (wanted === '' || online === '') return;
  const there = new Set(numbersIn(online));
  if (numbersIn(wanted).some((cpu) => !there.has(cpu))) fail(`Requested CPUs are not available - requested ${wanted}, available: ${online}`);
}

function numbersIn(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    if (last - first > MOST_CPUS) fail(`Invalid value ${range} for cpuset cpus`);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  });
}

function onlineCpus(): string {
  try {
    return readFileSync('/sys/devices/system/cpu/online', 'utf8').trim();
  } catch {
    return '';
  }
}

/** A mode that no part knows would mean a namespace of the container's own, whatever was meant. */
function checkModes(host: HostConfig): void {
  const modes = [
    ['PID', host.PidMode, /^(host|container:.+)$/],
    ['IPC', host.IpcMode, /^(none|private|shareable|host|container:.+)$/],
    ['UTS', host.UTSMode, /^host$/],
    ['cgroup namespace', host.CgroupnsMode, /^(host|private)$/],
  ] as const;
  for (const [what, mode, known] of modes) if (mode && !known.test(mode)) fail(`invalid ${what} mode: ${mode}`);
}
