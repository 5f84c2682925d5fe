import { containerCapabilities, withoutMknod } from './capabilities.ts';
import type { OciCapabilities, OciDevice, OciDeviceRule, OciIdMapping, OciMount, OciNamespace, OciProcess, OciResources, OciRlimit, OciSpec, OciUser } from './ociTypes.ts';
import { defaultSeccomp } from './seccompProfile.ts';
import type { OciSeccomp } from './seccompProfile.ts';
import { inUserNamespace, isMapped, ourIds } from './userNamespace.ts';
import type { IdRange, OurIds } from './userNamespace.ts';

/** Whose namespace: the container's own, the host's, or that at a path. */
export type NamespaceChoice = 'own' | 'host' | { readonly path: string };

/** What a container is to be, in terms of the kernel. What is left out has Docker's default. */
export interface SpecInput {
  readonly rootfs: string;
  readonly cgroupsPath: string;
  /** Default true. Without control groups nothing is limited, and no device can be kept from whoever can make its node. */
  readonly cgroups?: boolean;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd?: string;
  readonly user?: OciUser;
  readonly hostname?: string;
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly readonlyRootfs?: boolean;
  readonly privileged?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
  /** Default: Docker's profile; none when privileged. */
  readonly seccomp?: 'default' | 'unconfined' | OciSeccomp;
  /** Absent: as this process. */
  readonly appArmorProfile?: string;
  /** Labels of SELinux; without one for processes these have this process's. */
  readonly seLinux?: { readonly process?: string | undefined; readonly mount: string };
  /** After the system's own mounts, in this order. */
  readonly mounts?: readonly OciMount[];
  /** Bytes of /dev/shm; default 64 MiB. Not used when the IPC namespace is not the container's own. */
  readonly shmSize?: number;
  readonly network?: NamespaceChoice;
  readonly pid?: NamespaceChoice;
  readonly ipc?: NamespaceChoice;
  readonly uts?: NamespaceChoice;
  readonly cgroup?: NamespaceChoice;
  /** A user namespace and its maps; absent: the one of this process. */
  readonly userNamespace?: OurIds & { readonly path: string };
  /** The first process is systemd: it gets /run and /run/lock in memory. */
  readonly systemd?: boolean;
  /** The version of control groups of which the container may write its own; not set: it may not, unless privileged. */
  readonly writableCgroup?: '1' | '2';
  readonly resources?: Omit<OciResources, 'devices'>;
  readonly devices?: readonly OciDevice[];
  readonly deviceRules?: readonly OciDeviceRule[];
  /** For the OCI runtime and its hooks. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hooks?: Readonly<Record<string, readonly object[]>>;
  /** No /dev/shm. */
  readonly noShm?: boolean;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly rlimits?: readonly OciRlimit[];
  readonly oomScoreAdj?: number;
  /** Of `/`: `shared`, `rslave`; default: what the runtime makes it, private. */
  readonly rootfsPropagation?: string;
  /** `null`: Docker's. */
  readonly maskedPaths?: readonly string[] | null;
  readonly readonlyPaths?: readonly string[] | null;
}

export const defaultMaskedPaths: readonly string[] = [
  ...['asound', 'acpi', 'interrupts', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi'].map((name) => `/proc/${name}`),
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
export const defaultReadonlyPaths: readonly string[] = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);

/** The OCI specification of a container. Pure. */
export function buildSpec(input: SpecInput, userNamespace: boolean = inUserNamespace()): OciSpec {
  const privileged = input.privileged ?? false;
  const cgroups = input.cgroups ?? true;
  const granted = containerCapabilities({ privileged, add: input.capAdd ?? [], drop: input.capDrop ?? [] });
  const capabilities = cgroups || privileged ? granted : withoutMknod(granted);
  const seccomp = input.seccomp ?? (privileged ? 'unconfined' : 'default');
  const masked = input.maskedPaths ?? (privileged ? [] : defaultMaskedPaths);
  const readonlyPaths = input.readonlyPaths ?? (privileged ? [] : defaultReadonlyPaths);
  return {
    ociVersion: '1.0.2',
    process: processOf(input, capabilities),
    root: { path: input.rootfs, readonly: input.readonlyRootfs ?? false },
    ...(input.hostname === undefined || input.uts === 'host' ? {} : { hostname: input.hostname }),
    mounts: [...systemMounts(input, privileged).flatMap((mount) => (userNamespace || input.userNamespace ? possibleMount(mount, input) : [mount])), ...(input.mounts ?? [])],
    ...(input.annotations ? { annotations: input.annotations } : {}),
    ...(input.hooks && Object.keys(input.hooks).length > 0 ? { hooks: input.hooks } : {}),
    linux: {
      // runc forgives that it may not make a group only where none is named.
      ...(cgroups ? { cgroupsPath: input.cgroupsPath } : {}),
      namespaces: namespacesOf(input),
      ...idMappings(input),
      resources: cgroups ? { ...input.resources, devices: deviceRules(input, privileged) } : {},
      ...(input.devices?.length ? { devices: input.devices } : {}),
      ...(input.sysctl ? { sysctl: input.sysctl } : {}),
      ...(seccomp === 'unconfined' ? {} : { seccomp: seccomp === 'default' ? defaultSeccomp(capabilities) : seccomp }),
      ...(input.seLinux ? { mountLabel: input.seLinux.mount } : {}),
      ...(input.rootfsPropagation ? { rootfsPropagation: input.rootfsPropagation } : {}),
      ...(masked.length > 0 ? { maskedPaths: masked } : {}),
      ...(readonlyPaths.length > 0 ? { readonlyPaths } : {}),
    },
  };
}

/** The capability sets of a process: ambient and inheritable stay empty, so a program run by another user than root has none. */
export function capabilitySets(names: readonly string[]): OciCapabilities {
  return { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] };
}

function processOf(input: SpecInput, capabilities: readonly string[]): OciProcess {
  return {
    terminal: input.terminal ?? false,
    ...(input.terminal && input.consoleSize ? { consoleSize: input.consoleSize } : {}),
    user: input.user ?? { uid: 0, gid: 0, additionalGids: [] },
    args: input.args,
    env: input.env,
    cwd: input.cwd ?? '/',
    capabilities: capabilitySets(capabilities),
    ...(input.rlimits?.length ? { rlimits: input.rlimits } : {}),
    noNewPrivileges: input.noNewPrivileges ?? false,
    ...(input.oomScoreAdj ? { oomScoreAdj: input.oomScoreAdj } : {}),
    ...labelsOf(input),
  };
}

/** Of a container's first process, and of every further one. */
export function labelsOf({ appArmorProfile, seLinux }: Pick<SpecInput, 'appArmorProfile' | 'seLinux'>): Pick<OciProcess, 'apparmorProfile' | 'selinuxLabel'> {
  return { ...(appArmorProfile ? { apparmorProfile: appArmorProfile } : {}), ...(seLinux?.process ? { selinuxLabel: seLinux.process } : {}) };
}

function namespacesOf(input: SpecInput): OciNamespace[] {
  const choices: ReadonlyArray<[OciNamespace['type'], NamespaceChoice]> = [
    ['mount', 'own'],
    ['pid', input.pid ?? 'own'],
    ['ipc', input.ipc ?? 'own'],
    ['uts', input.uts ?? 'own'],
    ['network', input.network ?? 'own'],
    ['cgroup', input.cgroup ?? 'host'],
  ];
  const joined: OciNamespace[] = input.userNamespace ? [{ type: 'user', path: input.userNamespace.path }] : [];
  return [...joined, ...choices.flatMap(([type, choice]) => (choice === 'host' ? [] : [choice === 'own' ? { type } : { type, path: choice.path }]))];
}

/** Said again although the namespace has them: the runtimes look here for whom to give terminals and files to. */
function idMappings({ userNamespace }: SpecInput): Pick<OciSpec['linux'], 'uidMappings' | 'gidMappings'> {
  if (!userNamespace) return {};
  const mapping = ({ inside, outside, size }: IdRange): OciIdMapping => ({ containerID: inside, hostID: outside, size });
  return { uidMappings: userNamespace.uids.map(mapping), gidMappings: userNamespace.gids.map(mapping) };
}

const plain = ['nosuid', 'noexec', 'nodev'];

function systemMounts(input: SpecInput, privileged: boolean): OciMount[] {
  const replaced = new Set((input.mounts ?? []).map(({ destination }) => destination));
  const access = privileged ? 'rw' : 'ro';
  const own = (input.ipc ?? 'own') === 'own';
  const mounts: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: plain },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    sysMount(input, access),
    ...((input.cgroups ?? true) ? cgroupMounts(input, access) : []),
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: plain },
    own
      ? { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...plain, 'mode=1777', `size=${input.shmSize ?? 64 * 1024 * 1024}`] }
      : { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['bind', ...plain] },
    ...(input.systemd ? ['/run', '/run/lock'].map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=755'] })) : []),
  ];
  return mounts.filter(({ destination }) => !replaced.has(destination) && !(destination === '/dev/shm' && input.noShm));
}

/**
 * On version 2 a container that has the namespace to itself cannot change its own limits by writing there (mount option nsdelegate, which systemd sets); on version 1 it could,
 * so what limits stays read-only, and systemd gets the hierarchy in which it only keeps its units apart.
 */
function cgroupMounts({ writableCgroup, cgroupsPath }: SpecInput, access: string): OciMount[] {
  const mount = (rights: string): OciMount => ({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...plain, 'relatime', rights] });
  if (writableCgroup !== '1') return [mount(writableCgroup === '2' ? 'rw' : access)];
  return [mount(access), { destination: '/sys/fs/cgroup/systemd', type: 'bind', source: `/sys/fs/cgroup/systemd${cgroupsPath}`, options: ['bind', ...plain, 'rw'] }];
}

/** What shows a namespace of the host can be mounted anew by the host's root only: /proc is bound as it is, and the host's message queues are left out. */
function possibleMount(mount: OciMount, { pid, ipc }: SpecInput): OciMount[] {
  if (mount.destination === '/dev/mqueue' && ipc === 'host') return [];
  // The group of terminals is group 5 in every distribution, but not every map has one.
  if (mount.destination === '/dev/pts' && !isMapped(ourIds().gids, 5)) return [{ ...mount, options: mount.options.filter((option) => option !== 'gid=5') }];
  return mount.destination === '/proc' && pid === 'host' ? [{ ...mount, type: 'bind', source: '/proc', options: ['rbind', ...plain] }] : [mount];
}

/** A network namespace of its own (or another container's) means a sysfs of its own; with the host's, sysfs can only be bound. */
function sysMount(input: SpecInput, access: string): OciMount {
  if (input.network === 'host') return { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...plain, access] };
  return { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...plain, access] };
}

/** Nothing but the devices of every container, and those asked for. */
function deviceRules(input: SpecInput, privileged: boolean): OciDeviceRule[] {
  if (privileged) return [{ allow: true, access: 'rwm' }];
  const devices = (input.devices ?? []).map(({ type, major, minor }): OciDeviceRule => ({ allow: true, type, major, minor, access: 'rwm' }));
  const given = input.deviceRules ?? devices;
  const everyone = ([[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]] as const).map(([major, minor]): OciDeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' }));
  return [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    ...everyone,
    { allow: true, type: 'c', major: 136, access: 'rwm' },
    ...given,
  ];
}
