import { defineError } from '../../base/errors.ts';
import type { HostConnection } from '../connection.ts';
import { probeScript } from './probeScript.ts';
import { remoteConnectionLost, runRemote } from './remoteCommand.ts';
import { shellCommand } from './shellCommand.ts';

/** What a host said about itself. */
export interface HostFacts {
  /** `Linux`, `Darwin`, …. */
  readonly system: string;
  /** As `uname -m` says: `x86_64`, `aarch64`, …. */
  readonly machine: string;
  readonly kernel: string;
  readonly uid: number;
  readonly user: string;
  readonly home: string;
  /** The folder for Berth, absolute and without links as far as it exists. */
  readonly dir: string;
  /** The nearest folder on the way to `dir` that exists, and whether it can be written to. */
  readonly near: string;
  readonly writable: boolean;
  /** Bytes free there; `undefined`: it did not say. */
  readonly free: number | undefined;
  readonly fileSystem: { readonly type: string; readonly noexec: boolean; readonly mountPoint: string };
  /** Why user namespaces cannot be made; `undefined`: nothing speaks against it. */
  readonly noUserNamespaces: string | undefined;
  /** AppArmor lets only programs with a profile make useful ones (Ubuntu since 24.04). */
  readonly userNamespacesByProfile: boolean;
  /** How many further ids the user has, and whether the host has newuidmap to use them. */
  readonly subIds: { readonly uids: number; readonly gids: number; readonly newuidmap: boolean };
  readonly tun: boolean;
  readonly cgroups: 'v1' | 'v2' | 'hybrid' | 'none';
  /** Seconds that the host's clock is ahead of ours (give or take the round trip). */
  readonly clockAhead: number;
  /** Whether the host itself can unpack and check an archive. */
  readonly canUnpack: boolean;
  /** Digests of whole installations; the one that `current` names. */
  readonly installed: readonly string[];
  readonly current: string | undefined;
  /** The socket of an engine, if there is one (a killed engine leaves its socket). */
  readonly socketPath: string | undefined;
}

export const remoteProbeFailed = defineError<{ host: string; detail: string }>('REMOTE_PROBE_FAILED', 502, (p) => `${p.host} does not run commands as Berth needs it: ${p.detail}. The login must end in a shell (no forced command, no menu), and the host must be Linux with /bin/sh.`);

const ASKING = 'asking the host what it is';

/** Asks a host about itself, in one round trip. `dir`: where Berth shall be, if not in the home. */
export async function askHost(connection: HostConnection, options: { readonly dir?: string; readonly digests?: readonly string[] }, signal: AbortSignal): Promise<HostFacts> {
  const { code, lost, stdout, stderr } = await runRemote(connection, shellCommand(probeScript, [options.dir ?? '', ...(options.digests ?? [])]), signal, ASKING);
  const facts = parseFacts(stdout, Date.now() / 1000);
  if (facts === undefined && lost) throw remoteConnectionLost({ host: connection.description, step: ASKING });
  if (facts === undefined) throw remoteProbeFailed({ host: connection.description, detail: (stderr.trim() || stdout.trim()).slice(-300) || `the command ended with ${code === undefined ? 'the connection' : `status ${code}`}` });
  return facts;
}

/** What `probeScript` printed; `undefined`: it did not get to its end. Text that a login script prints before it is passed over. */
export function parseFacts(text: string, now: number): HostFacts | undefined {
  const lines = text.split('\n').map((line) => /^([a-z]+) (.*)$/.exec(line)).flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? ''] as const] : []));
  const all = (name: string): string[] => lines.filter(([key]) => key === name).map(([, value]) => value);
  const one = (name: string): string => all(name).at(-1) ?? '';
  const has = (name: string, value = 'yes'): boolean => all(name).includes(value);
  if (!has('end')) return undefined;
  const uid = Number(one('uid'));
  const sysctl = new Map(all('sysctl').map((line) => line.split(' ') as [string, string]));
  const sum = (name: string): number => all(name).reduce((total, count) => total + (Number(count) || 0), 0);
  return {
    ...{ system: one('system'), machine: one('machine'), kernel: one('kernel'), uid, user: one('user'), home: one('home'), dir: one('dir'), near: one('near'), writable: has('writable') },
    free: parseFree(one('df')),
    fileSystem: parseMounts(all('mount')),
    noUserNamespaces: whyNoUserNamespaces(has('userns'), sysctl),
    userNamespacesByProfile: sysctl.get('kernel/apparmor_restrict_unprivileged_userns') === '1',
    subIds: { uids: sum('subuid'), gids: sum('subgid'), newuidmap: has('tool', 'newuidmap') },
    tun: has('tun'),
    cgroups: (['v1', 'v2', 'hybrid'] as const).find((kind) => has('cgroups', kind)) ?? 'none',
    clockAhead: Number(one('clock')) - now,
    canUnpack: ['tar', 'gzip', 'sha256sum'].every((tool) => has('tool', tool)),
    installed: all('installed').filter((name) => /^[0-9a-f]{64}$/.test(name)),
    current: all('current').at(-1),
    socketPath: all('socket').at(-1),
  };
}

/** Bytes, from a line of `df -Pk`; a device's name may have spaces. */
function parseFree(line: string): number | undefined {
  const match = /\s\d+\s+\d+\s+(\d+)\s+\S+\s+\/.*$/.exec(line);
  return match ? Number(match[1]) * 1024 : undefined;
}

/** The file system among those mounted on the way: the one deepest down, and of several in one place the last. */
function parseMounts(lines: readonly string[]): HostFacts['fileSystem'] {
  let found = { type: '', noexec: false, mountPoint: '' };
  for (const line of lines) {
    const [type = '', options = '', mountPoint = ''] = line.split(' ');
    if (mountPoint.length >= found.mountPoint.length) found = { type, noexec: options.split(',').includes('noexec'), mountPoint };
  }
  return found;
}

function whyNoUserNamespaces(inKernel: boolean, sysctl: ReadonlyMap<string, string>): string | undefined {
  if (!inKernel) return 'this kernel has none';
  if (sysctl.get('user/max_user_namespaces') === '0') return 'user.max_user_namespaces is 0';
  if (sysctl.get('kernel/unprivileged_userns_clone') === '0') return 'kernel.unprivileged_userns_clone is 0';
  return undefined;
}
