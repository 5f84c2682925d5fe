import { hostConfigSchema } from '../api/docker/container.ts';
import { defaultMaskedPaths, defaultReadonlyPaths } from '../host/ociSpec.ts';
import type { Container } from './container.ts';
import { canonical } from './portPlan.ts';
import type { Endpoint, Networks, PortRequest } from './ports.ts';
import type { MountPoint, NetworkMember } from './record.ts';

/** What the API shows of a container, in Docker's shape. Pure, given what its network says. */

export interface NetworkView {
  readonly endpoints: readonly Endpoint[];
  readonly published: readonly PortRequest[];
}

export function networkView(networks: Networks, { id, running }: Container): NetworkView {
  return running ? { endpoints: networks.endpoints(id), published: networks.publishedPorts(id) } : { endpoints: [], published: [] };
}

/** `GET /containers/:id/json`. */
export function inspectContainer(container: Container, network: NetworkView, execIds: readonly string[], driver: { readonly runtime: string; readonly lowerDirs: readonly string[] }): object {
  const { record, paths, state } = container;
  const [path = '', ...args] = record.args;
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateView(container),
    Image: record.imageId,
    ResolvConfPath: paths.resolvConf,
    HostnamePath: paths.hostname,
    HostsPath: paths.hosts,
    LogPath: paths.log,
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: record.seLinux?.mount ?? '',
    ProcessLabel: record.seLinux?.process ?? '',
    AppArmorProfile: state.appArmor ?? '',
    ExecIDs: execIds.length > 0 ? execIds : null,
    HostConfig: hostConfigView(container, driver.runtime),
    GraphDriver: { Name: 'overlay2', Data: { LowerDir: driver.lowerDirs.join(':'), MergedDir: paths.rootfs, UpperDir: paths.upper, WorkDir: paths.work } },
    Mounts: mountViews(record),
    Config: { AttachStdin: false, AttachStdout: false, AttachStderr: false, Tty: false, OpenStdin: false, StdinOnce: false, Domainname: '', OnBuild: null, ...record.config, Image: record.imageRef, Hostname: record.config.Hostname ?? '' },
    ...(record.idRange ? { UserNamespace: { First: record.idRange.first, Size: record.idRange.size } } : {}),
    ...(record.keepId ? { UserNamespace: { KeepId: { Uid: record.keepId.uid, Gid: record.keepId.gid } } } : {}),
    NetworkSettings: networkSettings(container, network),
  };
}

function stateView({ state, running, health }: Container): object {
  return {
    Status: state.status,
    Running: running,
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: state.status === 'dead',
    Pid: running ? (state.process?.pid ?? 0) : 0,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(health ? { Health: { Status: health.status, FailingStreak: health.failingStreak, Log: health.log } } : {}),
  };
}

/** Every field that clients expect, what was given, and Docker's zero for the rest. */
function hostConfigView({ record, id }: Container, runtime: string): object {
  const zero: Record<string, unknown> = {};
  for (const key of Object.keys(hostConfigSchema.shape)) zero[key] = zeros[key] ?? null;
  return { ...zero, ContainerIDFile: '', VolumeDriver: '', Cgroup: '', Links: null, PublishAllPorts: false, Runtime: runtime, Isolation: '', CgroupParent: '', CgroupnsMode: record.hostConfig.CgroupnsMode ?? '', ...protectedPaths(record.hostConfig.Privileged ?? false), ...stripNull(record.hostConfig), Id: undefined, ...(id ? {} : {}) };
}

function protectedPaths(privileged: boolean): object {
  return privileged ? { MaskedPaths: null, ReadonlyPaths: null } : { MaskedPaths: defaultMaskedPaths, ReadonlyPaths: defaultReadonlyPaths };
}

const zeros: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(['Memory', 'MemorySwap', 'MemoryReservation', 'CpuShares', 'CpuPeriod', 'CpuQuota', 'NanoCpus', 'BlkioWeight', 'OomScoreAdj', 'ShmSize'].map((key) => [key, 0])),
  ...Object.fromEntries(['AutoRemove', 'Privileged', 'ReadonlyRootfs', 'PublishAllPorts'].map((key) => [key, false])),
  ...Object.fromEntries(['CpusetCpus', 'CpusetMems', 'PidMode', 'UTSMode', 'IpcMode', 'NetworkMode', 'CgroupnsMode', 'UsernsMode'].map((key) => [key, ''])),
  PortBindings: {},
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  Devices: [],
  ConsoleSize: [0, 0],
};

function stripNull(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null && value !== undefined));
}

/** Those of `--tmpfs` are in the host configuration only, as with Docker. */
export function mountViews({ mounts, hostConfig }: Container['record']): object[] {
  return mounts.filter(({ type, destination }) => type !== 'tmpfs' || !(destination in (hostConfig.Tmpfs ?? {}))).map(mountView);
}

function mountView(mount: MountPoint): object {
  return {
    Type: mount.type,
    ...(mount.name ? { Name: mount.name } : {}),
    Source: mount.source,
    Destination: mount.destination,
    ...(mount.type === 'volume' ? { Driver: 'local' } : {}),
    Mode: mount.mode,
    RW: !mount.readOnly,
    Propagation: mount.propagation,
  };
}

function networkSettings({ record, id, running, state }: Container, { endpoints, published }: NetworkView): object {
  const [first] = endpoints;
  const six = endpoints.find(({ gateway6 }) => gateway6 !== '') ?? endpoints.find(({ ip6 }) => ip6 !== '');
  return {
    Bridge: '',
    SandboxID: running ? id : '',
    SandboxKey: first?.netnsPath ?? (running && state.process ? `/proc/${state.process.pid}/ns/net` : ''),
    Ports: running ? portMap(Object.keys(record.config.ExposedPorts ?? {}), published) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: first?.endpointId ?? '',
    Gateway: first?.gateway ?? '',
    GlobalIPv6Address: six?.ip6 ?? '',
    GlobalIPv6PrefixLen: six?.prefix6 ?? 0,
    IPAddress: first?.ip ?? '',
    IPPrefixLen: first?.prefix ?? 0,
    IPv6Gateway: six?.gateway6 ?? '',
    MacAddress: first?.mac ?? '',
    Networks: networksOf(record, endpoints),
  };
}

const nowhere: Endpoint = { networkName: '', networkId: '', netnsPath: '', ip: '', prefix: 0, gateway: '', ip6: '', prefix6: 0, gateway6: '', mac: '', endpointId: '' };

/** Of a container that does not run, the networks that it will be in. */
function networksOf({ id, name, config, network: { mode, endpoints: members } }: Container['record'], endpoints: readonly Endpoint[]): Record<string, object> {
  if (mode.startsWith('container:')) return {};
  if (mode === 'host' || mode === 'none') return { [mode]: endpointView(endpoints[0] ?? nowhere, { network: mode, aliases: [], links: [] }, []) };
  return Object.fromEntries(members.map((member) => {
    const names = [...new Set([name, ...member.aliases, id.slice(0, 12), config.Hostname || id.slice(0, 12)])];
    return [member.network, endpointView(endpoints.find(({ networkName }) => networkName === member.network) ?? { ...nowhere, mac: member.mac ?? '' }, member, member.network === 'bridge' ? [] : names)];
  }));
}

function endpointView(endpoint: Endpoint, { aliases, links, ip, ip6 }: NetworkMember, names: readonly string[]): object {
  const wished = ip !== undefined || ip6 !== undefined;
  return {
    IPAMConfig: wished ? { ...(ip === undefined ? {} : { IPv4Address: ip }), ...(ip6 === undefined ? {} : { IPv6Address: ip6 }) } : null,
    Links: links.length > 0 ? links : null,
    Aliases: aliases.length > 0 ? aliases : null,
    MacAddress: endpoint.mac,
    DriverOpts: null,
    NetworkID: endpoint.networkId,
    EndpointID: endpoint.endpointId,
    Gateway: endpoint.gateway,
    IPAddress: endpoint.ip,
    IPPrefixLen: endpoint.prefix,
    IPv6Gateway: endpoint.gateway6,
    GlobalIPv6Address: endpoint.ip6,
    GlobalIPv6PrefixLen: endpoint.prefix6,
    DNSNames: names.length > 0 ? names : null,
  };
}

/** `{ "80/tcp": [{ HostIp, HostPort }], "81/tcp": null }`: exposed ports that are not published have null. */
export function portMap(exposed: readonly string[], published: readonly PortRequest[]): Record<string, Array<{ HostIp: string; HostPort: string }> | null> {
  const map: Record<string, Array<{ HostIp: string; HostPort: string }> | null> = Object.fromEntries(exposed.map((key) => [canonical(key), null]));
  for (const { containerPort, protocol, hostIp, hostPort } of published) {
    (map[`${containerPort}/${protocol}`] ??= []).push({ HostIp: hostIp, HostPort: String(hostPort) });
  }
  return map;
}
