import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { cgroupFolder, parseKeyed, readCgroupFile } from '../host/cgroups.ts';
import { notRunning } from './errors.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import { countProcesses } from './processes.ts';

type Parts = Pick<ContainerParts, 'runtime' | 'cgroups' | 'cgroupParent'>;

interface Sample {
  readonly read: string;
  readonly cpu: object;
  readonly rest: object;
}

const NANOSECONDS_PER_TICK = 1e7; // USER_HZ is 100 everywhere that Linux runs
const EMPTY_CPU = { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 }, throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 } };

/** Figures of a container in Docker's shape, one after the other: each also has the one before. The first comes at once when `oneShot`, else after a second, with something to compare. */
export async function* containerStats(parts: Parts, container: Container, options: { readonly stream: boolean; readonly oneShot: boolean }, signal: AbortSignal): AsyncGenerator<object> {
  if (!container.running) {
    if (!options.stream) yield compose(container, { read: '0001-01-01T00:00:00Z', cpu: EMPTY_CPU, rest: {} }, undefined);
    else throw notRunning({ id: container.id });
    return;
  }
  let before = options.oneShot ? undefined : await sample(parts, container);
  for (;;) {
    if (before) await pause(1000, signal);
    if (signal.aborted || !container.running) return;
    const now = await sample(parts, container);
    yield compose(container, now, before);
    if (!options.stream) return;
    before = now;
  }
}

function compose({ id, record }: Container, now: Sample, before: Sample | undefined): object {
  return {
    name: `/${record.name}`,
    id,
    read: now.read,
    preread: before?.read ?? '0001-01-01T00:00:00Z',
    num_procs: 0,
    storage_stats: {},
    cpu_stats: now.cpu,
    precpu_stats: before?.cpu ?? EMPTY_CPU,
    ...now.rest,
  };
}

async function sample(parts: Parts, container: Container): Promise<Sample> {
  if (!parts.runtime.cgroups) return sampleProcesses(parts, container);
  const { cgroups, cgroupParent } = parts;
  const path = `${cgroupParent}/${container.id}`;
  const [usage, memory, pids, blkio, networks, system] = await Promise.all([
    cgroups.version === '2' ? cpuV2(path) : cpuV1(path),
    cgroups.version === '2' ? memoryV2(path) : memoryV1(path),
    pidsOf(cgroups.version, path),
    cgroups.version === '2' ? ioV2(path) : ioV1(path),
    networksOf(container),
    systemCpu(),
  ]);
  return {
    read: new Date().toISOString(),
    cpu: { ...usage, system_cpu_usage: system, online_cpus: cpus().length },
    rest: { memory_stats: memory, pids_stats: pids, blkio_stats: blkio, ...(networks ? { networks } : {}), ...(await uncounted(parts, container)) },
  };
}

/** What no controller counts here, its processes are asked for. */
async function uncounted(parts: Parts, container: Container): Promise<object> {
  const { controllers } = parts.cgroups;
  if (controllers.has('memory') && controllers.has('pids')) return {};
  const { memory, pids } = await countProcesses(parts, container);
  return { ...(controllers.has('memory') ? {} : { memory_stats: memory }), ...(controllers.has('pids') ? {} : { pids_stats: pids }) };
}

async function sampleProcesses(parts: Parts, container: Container): Promise<Sample> {
  const [{ cpu, memory, pids }, networks, system] = await Promise.all([countProcesses(parts, container), networksOf(container), systemCpu()]);
  return {
    read: new Date().toISOString(),
    cpu: { ...cpu, system_cpu_usage: system, online_cpus: cpus().length },
    rest: { memory_stats: memory, pids_stats: pids, blkio_stats: ioStats([]), ...(networks ? { networks } : {}) },
  };
}

async function cpuV1(path: string): Promise<object> {
  const [total, ticks, throttling] = await Promise.all([
    readCgroupFile(cgroupFolder('1', 'cpuacct', path), 'cpuacct.usage'),
    readCgroupFile(cgroupFolder('1', 'cpuacct', path), 'cpuacct.stat'),
    readCgroupFile(cgroupFolder('1', 'cpu', path), 'cpu.stat'),
  ]);
  const { user = 0, system = 0 } = parseKeyed(ticks);
  const { nr_periods = 0, nr_throttled = 0, throttled_time = 0 } = parseKeyed(throttling);
  return {
    cpu_usage: { total_usage: Number(total), usage_in_kernelmode: system * NANOSECONDS_PER_TICK, usage_in_usermode: user * NANOSECONDS_PER_TICK },
    throttling_data: { periods: nr_periods, throttled_periods: nr_throttled, throttled_time },
  };
}

async function cpuV2(path: string): Promise<object> {
  const { usage_usec = 0, user_usec = 0, system_usec = 0, nr_periods = 0, nr_throttled = 0, throttled_usec = 0 } = parseKeyed(await readCgroupFile(cgroupFolder('2', 'cpu', path), 'cpu.stat'));
  return {
    cpu_usage: { total_usage: usage_usec * 1000, usage_in_kernelmode: system_usec * 1000, usage_in_usermode: user_usec * 1000 },
    throttling_data: { periods: nr_periods, throttled_periods: nr_throttled, throttled_time: throttled_usec * 1000 },
  };
}

async function memoryV1(path: string): Promise<object> {
  const folder = cgroupFolder('1', 'memory', path);
  const [usage, max, failures, limit, stat] = await Promise.all(['memory.usage_in_bytes', 'memory.max_usage_in_bytes', 'memory.failcnt', 'memory.limit_in_bytes', 'memory.stat'].map((file) => readCgroupFile(folder, file)));
  return { usage: Number(usage), max_usage: Number(max), failcnt: Number(failures), limit: atMostAll(limit ?? ''), stats: parseKeyed(stat ?? '') };
}

async function memoryV2(path: string): Promise<object> {
  const folder = cgroupFolder('2', 'memory', path);
  const [usage, limit, stat] = await Promise.all(['memory.current', 'memory.max', 'memory.stat'].map((file) => readCgroupFile(folder, file)));
  return { usage: Number(usage), limit: atMostAll(limit ?? ''), stats: parseKeyed(stat ?? '') };
}

/** No limit means all of the host's memory. */
function atMostAll(limit: string): number {
  const bytes = Number(limit);
  return Number.isFinite(bytes) && bytes > 0 ? Math.min(bytes, totalmem()) : totalmem();
}

async function pidsOf(version: '1' | '2', path: string): Promise<object> {
  const folder = cgroupFolder(version, 'pids', path);
  const [current, max] = await Promise.all(['pids.current', 'pids.max'].map((file) => readCgroupFile(folder, file)));
  const limit = Number(max);
  return { current: Number(current), ...(Number.isFinite(limit) && limit > 0 ? { limit } : {}) };
}

async function ioV1(path: string): Promise<object> {
  const text = await readCgroupFile(cgroupFolder('1', 'blkio', path), 'blkio.throttle.io_service_bytes_recursive');
  const rows = text.split('\n').map((line) => /^(\d+):(\d+) (\w+) (\d+)$/.exec(line));
  return ioStats(rows.flatMap((row) => (row ? [entry(row[1], row[2], row[3] ?? '', row[4])] : [])));
}

async function ioV2(path: string): Promise<object> {
  const rows = (await readCgroupFile(cgroupFolder('2', 'io', path), 'io.stat')).split('\n');
  return ioStats(
    rows.flatMap((row) => {
      const match = /^(\d+):(\d+) .*?rbytes=(\d+) wbytes=(\d+)/.exec(row);
      return match ? [entry(match[1], match[2], 'read', match[3]), entry(match[1], match[2], 'write', match[4])] : [];
    }),
  );
}

function entry(major: string | undefined, minor: string | undefined, op: string, value: string | undefined): object {
  return { major: Number(major), minor: Number(minor), op: op.toLowerCase(), value: Number(value) };
}

function ioStats(rows: readonly object[]): object {
  return { io_service_bytes_recursive: rows, io_serviced_recursive: null, io_queue_recursive: null, io_service_time_recursive: null, io_wait_time_recursive: null, io_merged_recursive: null, io_time_recursive: null, sectors_recursive: null };
}

async function networksOf({ state, record }: Container): Promise<Record<string, object> | undefined> {
  if (!state.process || record.network.mode === 'host') return undefined;
  const text = await readFile(`/proc/${state.process.pid}/net/dev`, 'utf8').catch(() => '');
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, figures = ''] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? [];
      if (name === undefined || name === 'lo') return [];
      const [rx_bytes, rx_packets, rx_errors, rx_dropped, , , , , tx_bytes, tx_packets, tx_errors, tx_dropped] = figures.split(/\s+/).map(Number);
      return [[name, { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped }]];
    }),
  );
}

/** CPU time of the whole host, in nanoseconds. */
async function systemCpu(): Promise<number> {
  const first = (await readFile('/proc/stat', 'utf8')).split('\n', 1)[0] ?? '';
  const ticks = first.split(/\s+/).slice(1, 9).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) * NANOSECONDS_PER_TICK;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
