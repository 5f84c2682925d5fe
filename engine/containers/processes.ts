import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { cgroupPids } from '../host/cgroups.ts';
import { familyOf, membersOf, namespaceOf } from '../host/namespaceMembers.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';

type Parts = Pick<ContainerParts, 'runtime' | 'cgroups' | 'cgroupParent'>;

const NANOSECONDS_PER_TICK = 1e7; // USER_HZ is 100 everywhere that Linux runs

/** Pids of all processes in a container; without control groups, of those in its pid namespace, or that its first process started. */
export async function containerPids({ runtime, cgroups, cgroupParent }: Parts, container: Container): Promise<number[]> {
  if (runtime.cgroups) return cgroupPids(cgroups.version, `${cgroupParent}/${container.id}`);
  const first = container.state.process?.pid;
  if (first === undefined) return [];
  const [theirs, ours] = await Promise.all([namespaceOf(first, 'pid'), namespaceOf('self', 'pid')]);
  return theirs === ours ? familyOf(first) : membersOf(theirs, 'pid');
}

/**
 * Docker's figures where no control group counts: what the container's living processes say of themselves. Memory that they share counts
 * several times, and the time of a process that nobody waited for is lost with it.
 */
export async function countProcesses(parts: Parts, container: Container): Promise<{ readonly cpu: object; readonly memory: object; readonly pids: object }> {
  const pids = await containerPids(parts, container);
  const each = await Promise.all(pids.map(figuresOf));
  const sum = (pick: (one: Figures) => number): number => each.reduce((total, one) => total + pick(one), 0);
  const [user, system] = [sum((one) => one.user) * NANOSECONDS_PER_TICK, sum((one) => one.system) * NANOSECONDS_PER_TICK];
  return {
    cpu: { cpu_usage: { total_usage: user + system, usage_in_kernelmode: system, usage_in_usermode: user }, throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 } },
    memory: { usage: sum((one) => one.resident), limit: totalmem(), stats: {} },
    pids: { current: pids.length },
  };
}

interface Figures {
  /** Clock ticks, with those of children that were waited for. */
  readonly user: number;
  readonly system: number;
  /** Bytes. */
  readonly resident: number;
}

async function figuresOf(pid: number): Promise<Figures> {
  const [stat = '', status = ''] = await Promise.all(['stat', 'status'].map((file) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
  const at = (number: number): number => fields[number - 3] ?? 0; // as proc(5) counts them; the first two are cut off
  return { user: at(14) + at(16), system: at(15) + at(17), resident: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024 };
}
