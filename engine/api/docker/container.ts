import { z } from 'zod';

/** What `POST /containers/create` takes and `inspect` gives back. Go writes null for what is empty, so null counts as absent everywhere. */

const text = z.string().nullish();
const flag = z.boolean().nullish();
const number = z.number().nullish();
const strings = z.array(z.string()).nullish();
const stringMap = z.record(z.string(), z.string()).nullish();
const emptyMap = z.record(z.string(), z.unknown()).nullish();
/** A command: a list, or one string. */
const command = z
  .union([z.array(z.string()), z.string().transform((one) => [one])])
  .nullish();

export const portBindingSchema = z.looseObject({ HostIp: text, HostPort: text });
export const ulimitSchema = z.looseObject({ Name: z.string(), Soft: z.number(), Hard: z.number() });
export const deviceSchema = z.looseObject({ PathOnHost: z.string(), PathInContainer: text, CgroupPermissions: text });
const ownerSchema = z.object({ uid: z.number().int().nonnegative(), gid: z.number().int().nonnegative() });

/** Berth's own extension: files that belong to `onDisk` outside belong to `inside` in the container, and the other way round. */
export const idmapSchema = z.object({ onDisk: ownerSchema, inside: ownerSchema });
export type Idmap = z.infer<typeof idmapSchema>;

export const mountSchema = z.looseObject({
  Type: z.enum(['bind', 'volume', 'tmpfs']),
  Source: text,
  Target: z.string(),
  ReadOnly: flag,
  Consistency: text,
  BindOptions: z.looseObject({ Propagation: text, NonRecursive: flag, CreateMountpoint: flag, ReadOnlyNonRecursive: flag, ReadOnlyForceRecursive: flag, Idmap: idmapSchema.nullish() }).nullish(),
  VolumeOptions: z.looseObject({ NoCopy: flag, Labels: stringMap, Subpath: text, DriverConfig: z.looseObject({ Name: text, Options: stringMap }).nullish() }).nullish(),
  TmpfsOptions: z.looseObject({ SizeBytes: number, Mode: number }).nullish(),
});
export type MountRequest = z.infer<typeof mountSchema>;

export const restartPolicySchema = z.looseObject({ Name: z.enum(['', 'no', 'always', 'on-failure', 'unless-stopped']).nullish(), MaximumRetryCount: number });

/** Limits that can also be changed later. Memory in bytes, CpuPeriod and CpuQuota in microseconds, NanoCpus in billionths of a CPU. */
const limits = {
  Memory: number,
  MemorySwap: number,
  MemoryReservation: number,
  MemorySwappiness: number,
  OomKillDisable: flag,
  CpuShares: number,
  CpuPeriod: number,
  CpuQuota: number,
  NanoCpus: number,
  CpusetCpus: text,
  CpusetMems: text,
  PidsLimit: number,
  BlkioWeight: number,
};
export const limitsSchema = z.looseObject({ ...limits, RestartPolicy: restartPolicySchema.nullish() });
export type Limits = z.infer<typeof limitsSchema>;

const deviceRates = z.array(z.looseObject({ Path: z.string(), Rate: z.number() })).nullish();

export const hostConfigSchema = z.looseObject({
  ...limits,
  RestartPolicy: restartPolicySchema.nullish(),
  Binds: strings,
  Mounts: z.array(mountSchema).nullish(),
  Tmpfs: stringMap,
  VolumesFrom: strings,
  NetworkMode: text,
  /** `container:alias`. */
  Links: strings,
  PortBindings: z.record(z.string(), z.array(portBindingSchema).nullish()).nullish(),
  PublishAllPorts: flag,
  AutoRemove: flag,
  Privileged: flag,
  ReadonlyRootfs: flag,
  CapAdd: strings,
  CapDrop: strings,
  SecurityOpt: strings,
  GroupAdd: strings,
  ExtraHosts: strings,
  Dns: strings,
  DnsOptions: strings,
  DnsSearch: strings,
  Devices: z.array(deviceSchema).nullish(),
  DeviceCgroupRules: strings,
  Ulimits: z.array(ulimitSchema).nullish(),
  Sysctls: stringMap,
  ShmSize: number,
  Init: flag,
  OomScoreAdj: number,
  PidMode: text,
  IpcMode: text,
  UTSMode: text,
  CgroupnsMode: text,
  ConsoleSize: z.array(z.number()).nullish(),
  MaskedPaths: strings,
  ReadonlyPaths: strings,
  /** Bytes (…Bps) or operations (…IOps) a second. */
  BlkioDeviceReadBps: deviceRates,
  BlkioDeviceWriteBps: deviceRates,
  BlkioDeviceReadIOps: deviceRates,
  BlkioDeviceWriteIOps: deviceRates,
  BlkioWeightDevice: z.array(z.looseObject({ Path: z.string(), Weight: z.number() })).nullish(),
  LogConfig: z.looseObject({ Type: text, Config: stringMap }).nullish(),
});
export type HostConfig = z.infer<typeof hostConfigSchema>;

/** Durations in nanoseconds; 0 and null: the image's, or the default. */
export const healthcheckSchema = z.looseObject({ Test: strings, Interval: number, Timeout: number, StartPeriod: number, StartInterval: number, Retries: number });
export type Healthcheck = z.infer<typeof healthcheckSchema>;

export const containerConfigSchema = z.looseObject({
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: strings,
  Cmd: command,
  Entrypoint: command,
  Image: text,
  Volumes: emptyMap,
  ExposedPorts: emptyMap,
  WorkingDir: text,
  Labels: stringMap,
  StopSignal: text,
  StopTimeout: number,
  MacAddress: text,
  Healthcheck: healthcheckSchema.nullish(),
});
export type ContainerConfig = z.infer<typeof containerConfigSchema>;

export const endpointSettingsSchema = z.looseObject({
  Aliases: strings,
  Links: strings,
  MacAddress: text,
  DriverOpts: stringMap,
  IPAMConfig: z.looseObject({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: strings }).nullish(),
});
export type EndpointSettings = z.infer<typeof endpointSettingsSchema>;

export const createContainerSchema = containerConfigSchema.extend({
  HostConfig: hostConfigSchema.nullish(),
  NetworkingConfig: z.looseObject({ EndpointsConfig: z.record(z.string(), endpointSettingsSchema.nullish()).nullish() }).nullish(),
});
export type CreateContainer = z.infer<typeof createContainerSchema>;

export const createdSchema = z.looseObject({ Id: z.string(), Warnings: z.array(z.string()).nullish() });

export const execCreateSchema = z.looseObject({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  Tty: flag,
  DetachKeys: text,
  Env: strings,
  Cmd: command,
  Privileged: flag,
  User: text,
  WorkingDir: text,
  ConsoleSize: z.array(z.number()).nullish(),
});
export type ExecCreate = z.infer<typeof execCreateSchema>;

export const execStartSchema = z.looseObject({ Detach: flag, Tty: flag, ConsoleSize: z.array(z.number()).nullish() });
