import type { Limits } from '../api/docker/container.ts';
import type { CgroupFacts } from '../host/cgroups.ts';
import type { OciResources } from '../host/ociTypes.ts';

/** Docker's flag for each limit that control groups keep. */
const FLAGS = {
  Memory: '--memory',
  MemoryReservation: '--memory-reservation',
  MemorySwappiness: '--memory-swappiness',
  OomKillDisable: '--oom-kill-disable',
  NanoCpus: '--cpus',
  CpuShares: '--cpu-shares',
  CpuQuota: '--cpu-quota',
  CpuPeriod: '--cpu-period',
  CpusetCpus: '--cpuset-cpus',
  CpusetMems: '--cpuset-mems',
  PidsLimit: '--pids-limit',
  BlkioWeight: '--blkio-weight',
} as const satisfies Partial<Record<keyof Limits, string>>;

/** The flags of the limits that were asked for. Pure. */
export function limitsIn(limits: Limits): string[] {
  const given: Readonly<Record<string, unknown>> = limits;
  return Object.entries(FLAGS).flatMap(([key, flag]) => {
    const value = given[key];
    return (typeof value === 'number' ? value > 0 : Boolean(value)) ? [flag] : [];
  });
}

/** What of the kernel's control groups decides which limits there are. */
export type LimitFacts = Pick<CgroupFacts, 'version' | 'swapLimit'>;

/** The flags of limits that were asked for and that version 2 of control groups does not have. Pure. */
export function limitsLacking({ MemorySwappiness, OomKillDisable }: Limits, { version }: LimitFacts): string[] {
  if (version === '1') return [];
  return [...(MemorySwappiness != null && MemorySwappiness >= 0 ? [FLAGS.MemorySwappiness] : []), ...(OomKillDisable ? [FLAGS.OomKillDisable] : [])];
}

const DEFAULT_PERIOD = 100_000;

/** Docker's limits as OCI resources; the runtime translates them for the cgroup version, and refuses what that version lacks: it is left out. Pure. */
export function toResources(limits: Limits, { version, swapLimit }: LimitFacts): Omit<OciResources, 'devices'> {
  const memory = {
    ...(limits.Memory ? { limit: limits.Memory } : {}),
    ...(swapLimit && limits.MemorySwap ? { swap: limits.MemorySwap } : {}),
    ...(limits.MemoryReservation ? { reservation: limits.MemoryReservation } : {}),
    ...(version === '1' && limits.OomKillDisable ? { disableOOMKiller: true } : {}),
    ...(version === '1' && limits.MemorySwappiness != null && limits.MemorySwappiness >= 0 ? { swappiness: limits.MemorySwappiness } : {}),
  };
  const quota = limits.NanoCpus ? { quota: Math.round((limits.NanoCpus * DEFAULT_PERIOD) / 1e9), period: DEFAULT_PERIOD } : { ...(limits.CpuQuota ? { quota: limits.CpuQuota } : {}), ...(limits.CpuPeriod ? { period: limits.CpuPeriod } : {}) };
  const cpu = { ...(limits.CpuShares ? { shares: limits.CpuShares } : {}), ...quota, ...(limits.CpusetCpus ? { cpus: limits.CpusetCpus } : {}), ...(limits.CpusetMems ? { mems: limits.CpusetMems } : {}) };
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(limits.PidsLimit && limits.PidsLimit !== 0 ? { pids: { limit: limits.PidsLimit } } : {}),
    ...(limits.BlkioWeight ? { blockIO: { weight: limits.BlkioWeight } } : {}),
  };
}
