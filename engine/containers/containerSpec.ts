import type { HostConfig, Idmap } from '../api/docker/container.ts';
import { containerCapabilities } from '../host/capabilities.ts';
import type { CgroupFacts } from '../host/cgroups.ts';
import type { NamespaceChoice, SpecInput } from '../host/ociSpec.ts';
import type { OciBlockIo, OciDevice, OciDeviceRule, OciIdMapping, OciMount } from '../host/ociTypes.ts';
import { possibleOomScore, toRlimits } from '../host/rlimits.ts';
import { lastMapped, ourIds } from '../host/userNamespace.ts';
import { mergeEnv } from './createPlan.ts';
import type { JoinedNamespaces } from './joining.ts';
import { toResources } from './limits.ts';
import type { LimitFacts } from './limits.ts';
import { ownIds } from './ownIds.ts';
import type { ContainerRecord, MountPoint } from './record.ts';
import { parseSecurity, toOciSeccomp } from './security.ts';
import type { ResolvedUser } from './user.ts';

/** What only a start knows of a container. */
export interface StartFacts {
  readonly rootfs: string;
  readonly cgroupsPath: string;
  /** Whether there are control groups for containers. */
  readonly cgroups: boolean;
  readonly limits: LimitFacts & Pick<CgroupFacts, 'nsdelegate'>;
  /** The first process is systemd. */
  readonly systemd: boolean;
  readonly user: ResolvedUser;
  readonly hostname: string;
  readonly network: NamespaceChoice;
  readonly joined: JoinedNamespaces;
  /** A host path to be /dev/shm, where others share it. */
  readonly shm?: string;
  /** Host path of the init to bind in; absent: none wanted. */
  readonly init?: string;
  readonly devices: readonly OciDevice[];
  readonly deviceRules: readonly OciDeviceRule[];
  readonly blockIo?: OciBlockIo;
  readonly etc: { readonly hosts: string; readonly hostname: string; readonly resolvConf: string };
  /** Absent: there is no AppArmor. */
  readonly appArmorProfile?: string;
  /** Path of the user namespace, where the container has one of its own. */
  readonly userNamespace?: string;
  /** Whether the OCI runtime makes idmapped mounts; if not, binds that want one were mounted so at this path of the host. */
  readonly mounts: readonly MountPoint[];
}

const INIT = '/dev/init';
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A container and the facts of its start as input for the OCI specification. Pure. */
export function specInput(record: ContainerRecord, facts: StartFacts): SpecInput {
  const { config, hostConfig: host } = record;
  const privileged = host.Privileged ?? false;
  const security = parseSecurity(host.SecurityOpt ?? []);
  const capabilities = containerCapabilities({ privileged, add: host.CapAdd ?? [], drop: host.CapDrop ?? [] });
  const [height, width] = host.ConsoleSize ?? [];
  const ids = ownIds(record);
  return {
    rootfs: facts.rootfs,
    cgroupsPath: facts.cgroupsPath,
    cgroups: facts.cgroups,
    args: facts.init ? [INIT, '--', ...record.args] : record.args,
    env: processEnv(record, facts),
    cwd: config.WorkingDir || '/',
    user: { uid: facts.user.uid, gid: facts.user.gid, additionalGids: facts.user.additionalGids },
    hostname: facts.hostname,
    terminal: config.Tty ?? false,
    ...(height && width ? { consoleSize: { height, width } } : {}),
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    privileged,
    capAdd: host.CapAdd ?? [],
    capDrop: host.CapDrop ?? [],
    noNewPrivileges: security.noNewPrivileges,
    ...(security.seccomp === 'default' ? {} : { seccomp: security.seccomp === 'unconfined' ? 'unconfined' : toOciSeccomp(security.seccomp, capabilities) }),
    ...(facts.appArmorProfile ? { appArmorProfile: facts.appArmorProfile } : {}),
    ...(record.seLinux ? { seLinux: record.seLinux } : {}),
    mounts: mountsOf(facts, host.ReadonlyRootfs ?? false),
    ...rootPropagation(facts.mounts),
    ...(host.ShmSize ? { shmSize: host.ShmSize } : {}),
    ...namespaces(host, facts),
    ...(ids && facts.userNamespace ? { userNamespace: { path: facts.userNamespace, ...ids } } : {}),
    ...(facts.systemd ? { systemd: true, ...(ownsCgroup(host, facts) ? { writableCgroup: facts.limits.version } : {}) } : {}),
    resources: { ...toResources(host, facts.limits), ...(facts.blockIo && facts.limits.controllers.has('blkio') ? { blockIO: facts.blockIo } : {}) },
    devices: facts.systemd ? facts.devices.filter(({ path }) => !isConsole(path)) : facts.devices,
    deviceRules: facts.deviceRules,
    ...(host.Annotations && Object.keys(host.Annotations).length > 0 ? { annotations: host.Annotations } : {}),
    ...(host.IpcMode === 'none' ? { noShm: true } : {}),
    // The specification had no field for the NIS domain when crun 1.8 and runc 1.1 were made; this is the same.
    sysctl: { ...(config.Domainname && host.UTSMode !== 'host' ? { 'kernel.domainname': config.Domainname } : {}), ...networkSysctls(facts.network, record), ...host.Sysctls },
    rlimits: toRlimits(host.Ulimits ?? []),
    ...(host.OomScoreAdj ? { oomScoreAdj: possibleOomScore(host.OomScoreAdj) } : {}),
    maskedPaths: host.MaskedPaths ?? null,
    readonlyPaths: host.ReadonlyPaths ?? null,
  };
}

/** A bind that passes mounts on, or receives them, can do so only from a root that does. */
function rootPropagation(mounts: readonly MountPoint[]): Pick<SpecInput, 'rootfsPropagation'> {
  if (mounts.some(({ propagation }) => /shared$/.test(propagation))) return { rootfsPropagation: 'shared' };
  return mounts.some(({ propagation }) => /slave$/.test(propagation)) ? { rootfsPropagation: 'rslave' } : {};
}

/** The environment of a container's first process: what every container has, then what image and user set. */
export function processEnv(record: Pick<ContainerRecord, 'config'>, { user, hostname, systemd = false }: Pick<StartFacts, 'user' | 'hostname'> & Partial<Pick<StartFacts, 'systemd'>>): string[] {
  const own = record.config.Env ?? [];
  const base = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`, ...(record.config.Tty ? ['TERM=xterm'] : []), ...(systemd ? ['container=oci'] : [])];
  return mergeEnv(base, own, own.some((entry) => entry.startsWith('HOME=')) ? [] : [`HOME=${user.home}`]);
}

function namespaces(host: HostConfig, facts: StartFacts): Pick<SpecInput, 'network' | 'pid' | 'ipc' | 'uts' | 'cgroup'> {
  const join = (mode: string | null | undefined, pid: number | undefined, kind: string): NamespaceChoice => (mode === 'host' ? 'host' : pid === undefined ? 'own' : { path: `/proc/${pid}/ns/${kind}` });
  // As Docker: on version 2 a privileged container too.
  const cgroup = host.CgroupnsMode || (facts.cgroups && (facts.limits.version === '2' || ownsCgroup(host, facts)) ? 'private' : 'host');
  return {
    network: facts.network,
    pid: join(host.PidMode, facts.joined.pid, 'pid'),
    ipc: join(host.IpcMode, facts.joined.ipc, 'ipc'),
    uts: host.UTSMode === 'host' ? 'host' : 'own',
    cgroup: cgroup === 'private' ? 'own' : 'host',
  };
}

/**
 * Whether systemd is given a control group, as it is unless whoever made the container mounts something there, as Docker's users do; or unless it could lift
 * its own limits by it, or sees the host's.
 */
function ownsCgroup({ CgroupnsMode }: HostConfig, { systemd, mounts, limits }: StartFacts): boolean {
  return systemd && CgroupnsMode !== 'host' && (limits.version === '1' || limits.nsdelegate) && !mounts.some(({ destination }) => `${destination}/`.startsWith('/sys/fs/cgroup/'));
}

/** systemd would put a login prompt on the host's own consoles. */
function isConsole(path: string): boolean {
  return /^\/dev\/tty\d+$/.test(path);
}

/** As Docker: in a network of its own a container pings, and takes ports below 1024, without being root. */
function networkSysctls(network: NamespaceChoice, { hostConfig: { NetworkMode }, idRange }: ContainerRecord): Record<string, string> {
  if (network === 'host' || NetworkMode?.startsWith('container:')) return {};
  const last = idRange ? idRange.size - 1 : lastMapped(ourIds().gids);
  return { 'net.ipv4.ping_group_range': `0 ${Math.min(last, 2 ** 31 - 1)}`, 'net.ipv4.ip_unprivileged_port_start': '0' };
}

function mountsOf(facts: StartFacts, readOnly: boolean): OciMount[] {
  const targets = new Set(facts.mounts.map(({ destination }) => destination));
  const file = (destination: string, source: string): OciMount[] => (targets.has(destination) ? [] : [{ destination, type: 'bind', source, options: ['bind', 'rprivate', ...(readOnly ? ['ro'] : [])] }]);
  return [
    ...file('/etc/resolv.conf', facts.etc.resolvConf),
    ...file('/etc/hostname', facts.etc.hostname),
    ...file('/etc/hosts', facts.etc.hosts),
    ...facts.mounts.map(toOciMount),
    // In /dev, a file system of the container's own: nothing of it is left in the root filesystem.
    ...(facts.init ? [{ destination: INIT, type: 'bind', source: facts.init, options: ['bind', 'ro', 'rprivate'] }] : []),
    ...(facts.shm === undefined ? [] : [{ destination: '/dev/shm', type: 'bind', source: facts.shm, options: ['bind', 'rprivate', 'nosuid', 'noexec', 'nodev'] }]),
  ];
}

/** A mount point as the OCI runtime takes it. */
export function toOciMount(mount: MountPoint): OciMount {
  const access = mount.readOnly ? [mount.readOnlyBelow ? 'rro' : 'ro'] : [];
  if (mount.type === 'tmpfs') return { destination: mount.destination, type: 'tmpfs', source: 'tmpfs', options: [...tmpfsDefaults(mount.tmpfsOptions ?? []), ...access] };
  const propagation = mount.propagation || 'rprivate';
  const mapping = mount.idmap ? { options: ['idmap'], uidMappings: swap(mount.idmap, 'uid'), gidMappings: swap(mount.idmap, 'gid') } : undefined;
  return {
    destination: mount.destination,
    type: 'bind',
    source: mount.source,
    // To crun every word that begins with r makes the bind itself recursive.
    options: [mount.recursive && !mapping ? 'rbind' : 'bind', mount.recursive ? propagation : propagation.replace(/^r/, ''), ...access, ...(mapping?.options ?? [])],
    ...(mapping ? { uidMappings: mapping.uidMappings, gidMappings: mapping.gidMappings } : {}),
  };
}

function tmpfsDefaults(options: readonly string[]): string[] {
  const opposite: Readonly<Record<string, string>> = { noexec: 'exec', nosuid: 'suid', nodev: 'dev' };
  return [...Object.entries(opposite).flatMap(([no, yes]) => (options.includes(yes) ? [] : [no])), ...options];
}

const LAST_ID = 2 ** 32 - 2;

/**
 * All ids as they are, but for two that change places: what belongs to `onDisk` outside belongs to `inside` in the container, and
 * the other way round. In idmapped mounts `containerID` is the id on disk and `hostID` the one seen.
 */
export function swap({ onDisk, inside }: Idmap, kind: 'uid' | 'gid'): OciIdMapping[] {
  const low = Math.min(onDisk[kind], inside[kind]);
  const high = Math.max(onDisk[kind], inside[kind]);
  const same = (first: number, end: number): OciIdMapping[] => (end > first ? [{ containerID: first, hostID: first, size: end - first }] : []);
  if (low === high) return same(0, LAST_ID);
  return [...same(0, low), { containerID: low, hostID: high, size: 1 }, ...same(low + 1, high), { containerID: high, hostID: low, size: 1 }, ...same(high + 1, LAST_ID)];
}
