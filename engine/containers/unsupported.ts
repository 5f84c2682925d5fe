import type { HostConfig } from '../api/docker/container.ts';
import { notImplemented } from '../base/errors.ts';
import { knownLogOptions } from './logPolicy.ts';

/** Settings without which the container would be another one than was asked for: refused. */
const REFUSED: Readonly<Record<string, string>> = {
  DeviceRequests: '--gpus and other device requests',
  StorageOpt: '--storage-opt',
  CgroupParent: '--cgroup-parent',
  CpuRealtimePeriod: '--cpu-rt-period',
  CpuRealtimeRuntime: '--cpu-rt-runtime',
};

/** Settings that only tune: accepted, and the answer says that they have no effect. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  KernelMemory: '--kernel-memory',
  VolumeDriver: '--volume-driver',
};

/** Throws NOT_IMPLEMENTED for the first setting that this version cannot honour. Pure. */
export function refuseUnsupported(host: HostConfig): void {
  const settings: Readonly<Record<string, unknown>> = host;
  for (const [key, flag] of Object.entries(REFUSED)) if (isSet(settings[key])) throw notImplemented({ what: `${flag} (HostConfig.${key})` });
  const userns = settings['UsernsMode'];
  if (typeof userns === 'string' && userns !== '' && userns !== 'host') throw notImplemented({ what: `--userns=${userns}` });
  const runtime = settings['Runtime'];
  if (typeof runtime === 'string' && !['', 'runc', 'crun', 'io.containerd.runc.v2'].includes(runtime)) throw notImplemented({ what: `--runtime=${runtime}` });
}

/** One sentence for each setting that has no effect in this version. Pure. */
export function withoutEffect(host: HostConfig): string[] {
  const settings: Readonly<Record<string, unknown>> = host;
  const flags = Object.entries(WITHOUT_EFFECT).flatMap(([key, flag]) => (isSet(settings[key]) ? [flag] : []));
  const type = host.LogConfig?.Type ?? '';
  if (!['', 'json-file', 'local', 'none'].includes(type)) flags.push(`--log-driver=${type} (logs are kept as json-file)`);
  flags.push(...Object.keys(host.LogConfig?.Config ?? {}).filter((key) => !knownLogOptions.includes(key)).map((key) => `--log-opt ${key}`));
  return flags.map((flag) => `This version of Berth does not act on ${flag}.`);
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== '' && value !== 0 && value !== false;
}
