import { availableParallelism } from 'node:os';
import type { ContainerConfig, CreateContainer, HostConfig } from '../api/docker/container.ts';
import type { ImageConfig } from '../content/oci.ts';
import { containerCapabilities } from '../host/capabilities.ts';
import { isKnownUlimit } from '../host/rlimits.ts';
import { invalidConfig } from './errors.ts';
import { mergeHealthcheck } from './health/healthPlan.ts';
import { logPolicy } from './logPolicy.ts';
import { planMounts } from './mountPlan.ts';
import type { PlannedMount } from './mountPlan.ts';
import { parseLink, planNetworks } from './networkPlan.ts';
import { canonical, planPorts } from './portPlan.ts';
import type { ContainerRecord } from './record.ts';
import { parseSecurity } from './security.ts';
import { refuseUnsupported } from './unsupported.ts';
import { parseSignal } from './signals.ts';

export interface CreatePlan {
  /** The record, but for what creation finds out: id, name, time, image, volumes. */
  readonly record: Pick<ContainerRecord, 'args' | 'config' | 'hostConfig' | 'network'>;
  readonly mounts: readonly PlannedMount[];
}

type RunConfig = NonNullable<ImageConfig['config']>;

/** What a request and its image make together, checked. Pure. Throws INVALID_CONTAINER_CONFIG, BAD_REQUEST. */
export function planContainer(request: CreateContainer, image: ImageConfig): CreatePlan {
  const run = image.config ?? {};
  const { HostConfig: hostConfig, NetworkingConfig: _networking, ...own } = request;
  const { entrypoint, cmd } = command(own, run);
  const args = [...entrypoint, ...cmd];
  if (args.length === 0 || args[0] === '') throw invalidConfig({ what: 'invalid container config', detail: 'no command specified' });
  const healthcheck = mergeHealthcheck(run.Healthcheck, own.Healthcheck);
  const config = {
    ...own,
    Env: mergeEnv(run.Env ?? [], own.Env ?? []),
    Cmd: cmd.length > 0 ? cmd : null,
    Entrypoint: entrypoint.length > 0 ? entrypoint : null,
    WorkingDir: own.WorkingDir || run.WorkingDir || '',
    User: own.User || run.User || '',
    Labels: { ...run.Labels, ...own.Labels },
    ExposedPorts: exposed(run, own, hostConfig ?? {}),
    Volumes: { ...run.Volumes, ...own.Volumes },
    ...(healthcheck ? { Healthcheck: healthcheck } : {}),
    ...(own.StopSignal || run.StopSignal ? { StopSignal: own.StopSignal || run.StopSignal } : {}),
  };
  if (config.WorkingDir !== '' && !config.WorkingDir.startsWith('/')) throw invalidConfig({ what: 'invalid container config', detail: `the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path` });
  refuseUnsupported(hostConfig ?? {});
  const host = withDefaults(hostConfig ?? {});
  check(config, host);
  return { record: { args, config, hostConfig: host, network: planNetworks(request, host) }, mounts: planMounts(request, Object.keys(config.Volumes)) };
}

/** The image's command counts only where the request gives neither entrypoint nor command; `['']` as entrypoint takes the image's away. */
function command(own: ContainerConfig, run: RunConfig): { entrypoint: string[]; cmd: string[] } {
  const given = own.Entrypoint ?? undefined;
  const ownCmd = own.Cmd ?? [];
  if (given === undefined || given.length === 0) return { entrypoint: run.Entrypoint ?? [], cmd: ownCmd.length > 0 ? ownCmd : (run.Cmd ?? []) };
  return { entrypoint: given.length === 1 && given[0] === '' ? [] : given, cmd: ownCmd };
}

/** Later settings of a variable win, in the place of the first; a name without `=` takes the variable away. */
export function mergeEnv(...lists: ReadonlyArray<readonly string[]>): string[] {
  const merged = new Map<string, string>();
  for (const entry of lists.flat()) {
    const equals = entry.indexOf('=');
    if (equals === -1) merged.delete(entry);
    else merged.set(entry.slice(0, equals), entry);
  }
  return [...merged.values()];
}

function exposed(run: RunConfig, own: ContainerConfig, host: HostConfig): Record<string, unknown> {
  const keys = [...Object.keys(run.ExposedPorts ?? {}), ...Object.keys(own.ExposedPorts ?? {}), ...Object.keys(host.PortBindings ?? {})];
  return Object.fromEntries(keys.map((key) => [canonical(key), {}]));
}

/** What Docker fills in, so that inspect says what holds. */
function withDefaults(host: HostConfig): HostConfig {
  const mode = host.NetworkMode || 'default';
  return {
    ...host,
    NetworkMode: mode === 'default' ? 'bridge' : mode,
    RestartPolicy: { ...host.RestartPolicy, Name: host.RestartPolicy?.Name || 'no', MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0 },
    ShmSize: host.ShmSize || 64 * 1024 * 1024,
    IpcMode: host.IpcMode || 'private',
    // Memory alone means as much swap again, as Docker has it.
    MemorySwap: host.Memory && !host.MemorySwap ? host.Memory * 2 : (host.MemorySwap ?? 0),
    LogConfig: { Type: host.LogConfig?.Type || 'json-file', Config: host.LogConfig?.Config ?? {} },
  };
}

const MIN_MEMORY = 6 * 1024 * 1024;

function check(config: ContainerConfig, host: HostConfig): void {
  const fail = (detail: string): never => {
    throw invalidConfig({ what: 'invalid container config', detail });
  };
  if (host.Memory && host.Memory < MIN_MEMORY) fail('Minimum memory limit allowed is 6MB');
  if (host.Memory && host.MemorySwap && host.MemorySwap > 0 && host.MemorySwap < host.Memory) fail('Minimum memoryswap limit should be larger than memory limit, see usage');
  const cpus = availableParallelism();
  if (host.NanoCpus && (host.NanoCpus < 0 || host.NanoCpus > cpus * 1e9)) fail(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (host.NanoCpus && (host.CpuQuota || host.CpuPeriod)) fail('Conflicting options: Nano CPUs and CPU Period/Quota cannot both be set');
  if (host.AutoRemove && !['', 'no', undefined, null].includes(host.RestartPolicy?.Name)) fail("can't create 'AutoRemove' container with restart policy");
  for (const { Name, Soft, Hard } of host.Ulimits ?? []) {
    if (!isKnownUlimit(Name)) fail(`invalid ulimit type: ${Name}`);
    if (Hard >= 0 && Soft > Hard) fail(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
  for (const host_ of host.ExtraHosts ?? []) if (!host_.includes(':') && !host_.includes('=')) fail(`bad format for add-host: "${host_}"`);
  checkHealth(config.Healthcheck, fail);
  (host.Links ?? []).forEach(parseLink);
  if (config.StopSignal) parseSignal(config.StopSignal);
  containerCapabilities({ privileged: host.Privileged ?? false, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] });
  parseSecurity(host.SecurityOpt ?? []);
  planPorts(config, host);
  logPolicy(host);
}

const SHORTEST_NS = 1_000_000;

function checkHealth(check: ContainerConfig['Healthcheck'], fail: (detail: string) => never): void {
  if (!check) return;
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = check[name] ?? 0;
    if (value !== 0 && value < SHORTEST_NS) fail(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((check.Retries ?? 0) < 0) fail('Retries in Healthcheck cannot be negative');
  const [kind] = check.Test ?? [];
  if (kind !== undefined && !['NONE', 'CMD', 'CMD-SHELL'].includes(kind)) fail(`Unknown healthcheck type '${kind}' (expected 'CMD' or 'CMD-SHELL')`);
}
