import type { HostConfig, Limits } from '../api/docker/container.ts';
import type { CgroupFacts, Controller } from '../host/cgroups.ts';
import type { OciResources } from '../host/ociTypes.ts';

/** Docker's flag for each limit that control groups keep, and the controller that does. */
const FLAGS = {
  Memory: ['--memory', 'memory'],
  MemoryReservation: ['--memory-reservation', 'memory'],
  MemorySwappiness: ['--memory-swappiness', 'memory'],
  OomKillDisable: ['--oom-kill-disable', 'memory'],
  NanoCpus: ['--cpus', 'cpu'],
  CpuShares: ['--cpu-shares', 'cpu'],
  CpuQuota: ['--cpu-quota', 'cpu'],
  CpuPeriod: ['--cpu-period', 'cpu'],
  CpusetCpus: ['--cpuset-cpus', 'cpuset'],
  CpusetMems: ['--cpuset-mems', 'cpuset'],
  PidsLimit: ['--pids-limit', 'pids'],
  BlkioWeight: ['--blkio-weight', 'blkio'],
  BlkioWeightDevice: ['--blkio-weight-device', 'blkio'],
  BlkioDeviceReadBps: ['--device-read-bps', 'blkio'],
  BlkioDeviceWriteBps: ['--device-write-bps', 'blkio'],
  BlkioDeviceReadIOps: ['--device-read-iops', 'blkio'],
  BlkioDeviceWriteIOps: ['--device-write-iops', 'blkio'],
} as const satisfies Partial<Record<keyof HostConfig, readonly [string, Controller]>>;

/** The flags of the limits that were asked for. Pure. */
export function limitsIn(limits: Limits | HostConfig): string[] {
  return askedFor(limits).map(([flag]) => flag);
}

function askedFor(limits: Limits | HostConfig): Array<readonly [string, Controller]> {
  const given: Readonly<Record<string, unknown>> = limits;
  return Object.entries(FLAGS).flatMap(([key, entry]) => (isAsked(given[key]) ? [entry] : []));
}

function isAsked(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'number' ? value > 0 : Boolean(value);
}

/** What of the kernel's control groups decides which limits there are. */
export type LimitFacts = Pick<CgroupFacts, 'version' | 'swapLimit' | 'controllers'>;

/** The flags of limits that were asked for and that version 2 of control groups does not have. Pure. */
export function limitsLacking({ MemorySwappiness, OomKillDisable }: Limits, { version }: LimitFacts): string[] {
  if (version === '1') return [];
  return [...(MemorySwappiness != null && MemorySwappiness >= 0 ? [FLAGS.MemorySwappiness[0]] : []), ...(OomKillDisable ? [FLAGS.OomKillDisable[0]] : [])];
}

/** The limits that were asked for and whose controller there is not for containers here, as `--memory (controller memory)`. Pure. */
export function limitsWithoutController(limits: Limits | HostConfig, { version, controllers }: LimitFacts): string[] {
  return askedFor(limits).flatMap(([flag, controller]) => (controllers.has(controller) ? [] : [`${flag} (controller ${version === '2' && controller === 'blkio' ? 'io' : controller})`]));
}

/** A sentence for each kind of limit that was asked for and will not be kept. Pure. */
export function limitWarnings(host: HostConfig, facts: LimitFacts): string[] {
  const without = limitsWithoutController(host, facts);
  const lacking = limitsLacking(host, facts);
  return [
    ...(without.length > 0 ? [`The engine has no such control groups on this host: ${without.join(', ')} had no effect. Limitation discarded; see berth doctor.`] : []),
    ...(lacking.length > 0 ? [`Version 2 of control groups, which this host uses, has no ${lacking.join(', ')}. Limitation discarded.`] : []),
    ...(host.Memory && facts.controllers.has('memory') && !facts.swapLimit ? ['Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.'] : []),
  ];
}

const DEFAULT_PERIOD = 100_000;

/** Docker's limits as OCI resources; the runtime translates them for the cgroup version, and refuses what that version or this host lacks: it is left out. Pure. */
export function toResources(limits: Limits, { version, swapLimit, controllers }: LimitFacts): Omit<OciResources, 'devices'> {
  const memory = {
    ...(limits.Memory ? { limit: limits.Memory } : {}),
    ...(swapLimit && limits.MemorySwap ? { swap: limits.MemorySwap } : {}),
    ...(limits.MemoryReservation ? { reservation: limits.MemoryReservation } : {}),
    ...(version === '1' && limits.OomKillDisable ? { disableOOMKiller: true } : {}),
    ...(version === '1' && limits.MemorySwappiness != null && limits.MemorySwappiness >= 0 ? { swappiness: limits.MemorySwappiness } : {}),
  };
  const quota = limits.NanoCpus ? { quota: Math.round((limits.NanoCpus * DEFAULT_PERIOD) / 1e9), period: DEFAULT_PERIOD } : { ...(limits.CpuQuota ? { quota: limits.CpuQuota } : {}), ...(limits.CpuPeriod ? { period: limits.CpuPeriod } : {}) };
  const cpu = {
    ...(controllers.has('cpu') ? { ...(limits.CpuShares ? { shares: limits.CpuShares } : {}), ...quota } : {}),
    ...(controllers.has('cpuset') ? { ...(limits.CpusetCpus ? { cpus: limits.CpusetCpus } : {}), ...(limits.CpusetMems ? { mems: limits.CpusetMems } : {}) } : {}),
  };
  return {
    ...(controllers.has('memory') && Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(controllers.has('pids') && limits.PidsLimit && limits.PidsLimit !== 0 ? { pids: { limit: limits.PidsLimit } } : {}),
    ...(controllers.has('blkio') && limits.BlkioWeight ? { blockIO: { weight: limits.BlkioWeight } } : {}),
  };
}
