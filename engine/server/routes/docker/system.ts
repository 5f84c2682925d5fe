import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { badRequest } from '../../../base/errors.ts';
import type { BusEvent, EventBus } from '../../../base/eventBus.ts';
import { maxApiVersion, minApiVersion } from '../../apiVersion.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { eventMatcher, toDockerEvent } from './eventFilter.ts';

export interface EngineFacts {
  readonly version: string;
  readonly id: string;
  readonly dataRoot: string;
  readonly runtimeName: () => string;
  readonly cgroupVersion: '1' | '2';
  /** What containers can be limited in, by the names of version 1 of control groups; `undefined`: they get none. */
  readonly controllers: () => ReadonlySet<string> | undefined;
  readonly swapLimit: boolean;
  /** An ordinary user's engine, in namespaces of theirs. */
  readonly rootless: boolean;
  /** What confines containers besides seccomp: `apparmor`, `selinux`. */
  readonly securityModules?: readonly string[];
  /** Whether containers get user namespaces without asking. */
  readonly usernsRemap?: boolean;
  readonly osName: string;
  readonly warnings: () => readonly string[];
}

/** What /info counts. */
export interface SystemCounts {
  containers(): { running: number; paused: number; stopped: number };
  images(): number;
}

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const goArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** `/_ping`, `/version`, `/info`, `/events`, `/auth`. */
export function systemRoutes(facts: EngineFacts, counts: SystemCounts, events: EventBus): Route[] {
  const ping = (_context: RequestContext, reply: Reply): void => {
    reply.header('Builder-Version', '1');
    reply.header('Cache-Control', 'no-cache, no-store, must-revalidate');
    reply.header('Pragma', 'no-cache');
    reply.header('Swarm', 'inactive');
    reply.stream(200, 'text/plain; charset=utf-8').end(_context.method === 'HEAD' ? undefined : 'OK');
  };
  return [
    { method: 'GET', path: '/_ping', handle: ping },
    { method: 'GET', path: '/version', handle: (_context, reply) => reply.json(200, versionBody(facts)) },
    { method: 'GET', path: '/info', handle: (_context, reply) => reply.json(200, infoBody(facts, counts)) },
    { method: 'GET', path: '/events', handle: (context, reply) => streamEvents(context, reply, events) },
  ];
}

function versionBody(facts: EngineFacts): object {
  const kernel = release();
  return {
    Platform: { Name: 'Berth' },
    Components: [{ Name: 'Engine', Version: facts.version, Details: { ApiVersion: maxApiVersion, MinAPIVersion: minApiVersion, Os: 'linux', Arch: goArch[arch()] ?? arch(), KernelVersion: kernel, NodeVersion: process.version } }],
    Version: facts.version,
    ApiVersion: maxApiVersion,
    MinAPIVersion: minApiVersion,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: goArch[arch()] ?? arch(),
    KernelVersion: kernel,
    BuildTime: '',
  };
}

function infoBody(facts: EngineFacts, counts: SystemCounts): object {
  const { running, paused, stopped } = counts.containers();
  const module = (name: string): string[] => (facts.securityModules?.includes(name) ? [`name=${name}`] : []);
  return {
    ID: facts.id,
    Name: hostname(),
    Containers: running + paused + stopped,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: stopped,
    Images: counts.images(),
    Driver: 'overlay',
    DriverStatus: [['Store', 'OCI image layout, one directory per layer']],
    DockerRootDir: facts.dataRoot,
    ...fixedInfo,
    ...limitsInfo(facts),
    SecurityOptions: [...module('apparmor'), 'name=seccomp,profile=builtin', ...module('selinux'), ...(facts.rootless ? ['name=rootless'] : []), ...(facts.usernsRemap ? ['name=userns'] : [])],
    CgroupVersion: facts.cgroupVersion,
    SystemTime: new Date().toISOString(),
    KernelVersion: release(),
    OperatingSystem: facts.osName,
    Architecture: architectures[arch()] ?? arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    ServerVersion: facts.version,
    Runtimes: { [facts.runtimeName()]: { path: facts.runtimeName() } },
    DefaultRuntime: facts.runtimeName(),
    Warnings: facts.warnings(),
  };
}

function limitsInfo({ controllers, swapLimit }: EngineFacts): object {
  const there = controllers();
  const has = (name: string): boolean => there?.has(name) ?? false;
  return { CgroupDriver: there ? 'cgroupfs' : 'none', MemoryLimit: has('memory'), SwapLimit: has('memory') && swapLimit, CpuCfsPeriod: has('cpu'), CpuCfsQuota: has('cpu'), CPUShares: has('cpu'), CPUSet: has('cpuset'), PidsLimit: has('pids') };
}

/** What is true of every Berth engine. */
const fixedInfo = {
  Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'none'], Authorization: null, Log: ['json-file'] },
  LoggingDriver: 'json-file',
  OomKillDisable: false,
  IPv4Forwarding: true,
  Debug: false,
  NFd: 0,
  NGoroutines: 0,
  NEventsListener: 0,
  OSType: 'linux',
  IndexServerAddress: 'https://index.docker.io/v1/',
  RegistryConfig: { InsecureRegistryCIDRs: ['127.0.0.0/8'], IndexConfigs: {}, Mirrors: [] },
  Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
  LiveRestoreEnabled: true,
  Isolation: '',
  InitBinary: '',
} as const;

/** Streams events as JSON lines: first those since `since`, then new ones until `until` or until the client leaves. */
function streamEvents(context: RequestContext, reply: Reply, events: EventBus): void {
  const matches = eventMatcher(context.query.get('filters'));
  const since = timeParameter(context, 'since');
  const until = timeParameter(context, 'until');
  const out = reply.stream(200, 'application/json');
  const write = (event: BusEvent): void => {
    if (matches(event) && (until === undefined || event.time <= until)) out.write(`${JSON.stringify(toDockerEvent(event))}\n`);
  };
  if (since !== undefined) events.recent().filter((event) => event.time >= since).forEach(write);
  const subscription = events.on(write);
  const end = (): void => {
    subscription.dispose();
    clearTimeout(timer);
    out.end();
  };
  const timer = until === undefined ? undefined : setTimeout(end, Math.max(0, until - Date.now()));
  context.signal.addEventListener('abort', end, { once: true });
}

/** Unix seconds (with a fraction) or RFC 3339, as milliseconds. */
function timeParameter(context: RequestContext, name: string): number | undefined {
  const text = context.query.get(name);
  if (text === null || text === '') return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(value)) throw badRequest({ what: name, detail: `"${text}" is neither Unix seconds nor an RFC 3339 time` });
  return value;
}
