/** The body of `POST /containers/create`, as far as our clients fill it. Names, units and meanings are Docker's. */
export interface CreateBody {
  Image?: string;
  Hostname?: string;
  Domainname?: string;
  User?: string;
  /** `NAME=value`, or `NAME` to unset what the image sets. */
  Env?: string[];
  Labels?: Record<string, string>;
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  Tty?: boolean;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  /** Keys `<port>/<protocol>`. */
  ExposedPorts?: Record<string, Record<string, never>>;
  /** Keys: paths of anonymous volumes. */
  Volumes?: Record<string, Record<string, never>>;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  MacAddress?: string;
  /** Durations in nanoseconds. */
  Healthcheck?: { Test?: string[]; Interval?: number; Timeout?: number; StartPeriod?: number; StartInterval?: number; Retries?: number };
  HostConfig: HostConfig;
  NetworkingConfig?: { EndpointsConfig: Record<string, Endpoint> };
}

/** A place in a network. */
export interface Endpoint {
  Aliases?: string[];
  MacAddress?: string;
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string };
}

export interface PortBinding {
  HostIp: string;
  /** Empty: any free port. */
  HostPort: string;
}

export interface IdPair {
  readonly uid: number;
  readonly gid: number;
}

export interface Mount {
  Type: 'bind' | 'volume' | 'tmpfs';
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    CreateMountpoint?: boolean;
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
    /** Berth's extension: what belongs to `onDisk` outside belongs to `inside` in the container, both ways. */
    Idmap?: { readonly onDisk: IdPair; readonly inside: IdPair };
  };
  VolumeOptions?: { NoCopy?: boolean; Labels?: Record<string, string>; Subpath?: string; DriverConfig?: { Name?: string; Options?: Record<string, string> } };
  /** `SizeBytes` in bytes, `Mode` as a number (0o1777). */
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
}

export interface HostConfig {
  Binds?: string[];
  Mounts?: Mount[];
  PortBindings?: Record<string, PortBinding[]>;
  PublishAllPorts?: boolean;
  NetworkMode?: string;
  Links?: string[];
  CapAdd?: string[];
  CapDrop?: string[];
  SecurityOpt?: string[];
  Privileged?: boolean;
  Init?: boolean;
  /** Bytes. */
  Memory?: number;
  MemorySwap?: number;
  MemoryReservation?: number;
  ShmSize?: number;
  NanoCpus?: number;
  CpuShares?: number;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  PidsLimit?: number;
  OomKillDisable?: boolean;
  OomScoreAdj?: number;
  Ulimits?: Array<{ Name: string; Soft: number; Hard: number }>;
  Devices?: Array<{ PathOnHost: string; PathInContainer: string; CgroupPermissions: string }>;
  DeviceCgroupRules?: string[];
  ExtraHosts?: string[];
  Dns?: string[];
  DnsOptions?: string[];
  DnsSearch?: string[];
  GroupAdd?: string[];
  IpcMode?: string;
  PidMode?: string;
  UTSMode?: string;
  UsernsMode?: string;
  CgroupnsMode?: string;
  CgroupParent?: string;
  Sysctls?: Record<string, string>;
  Tmpfs?: Record<string, string>;
  VolumesFrom?: string[];
  AutoRemove?: boolean;
  ReadonlyRootfs?: boolean;
  RestartPolicy?: { Name: string; MaximumRetryCount?: number };
  BlkioWeight?: number;
  BlkioDeviceReadBps?: Array<{ Path: string; Rate: number }>;
  BlkioDeviceWriteBps?: Array<{ Path: string; Rate: number }>;
  BlkioDeviceReadIOps?: Array<{ Path: string; Rate: number }>;
  BlkioDeviceWriteIOps?: Array<{ Path: string; Rate: number }>;
  BlkioWeightDevice?: Array<{ Path: string; Weight: number }>;
  LogConfig?: { Type: string; Config: Record<string, string> };
  Runtime?: string;
}
