import { getSystemErrorMap } from 'node:util';
import { hostCommandFailed } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';

/** Mounts by system calls, each on a thread of its own: no program is started, and the engine goes on meanwhile. */

/** The same on every architecture. */
export const mountFlags = { nosuid: 2, nodev: 4, noexec: 8, bind: 4096 } as const;

export interface MountCall {
  /** What relative paths, those in `options` too, are seen from; the process keeps its own. */
  readonly folder?: string;
  readonly source: string;
  readonly target: string;
  readonly type?: string;
  readonly options?: string;
  readonly flags?: number;
}

/** mount(2). Throws HOST_COMMAND_FAILED. */
export async function callMount({ folder = '', source, target, type = '', options = '', flags = 0 }: MountCall): Promise<void> {
  const { mount } = await import('#native');
  const failure = await new Promise<number>((resolve) => mount(folder, source, target, type, options, flags, resolve));
  if (failure !== 0) throw mountFailure(type === '' ? 'mount --bind' : `mount -t ${type}`, target, failure);
}

/** Mounts `source` on `target` with owners as the map of the user namespace at this path shows them. Throws HOST_COMMAND_FAILED. */
export async function callMountMapped(source: string, target: string, userNamespace: string): Promise<void> {
  const { mountMapped } = await import('#native');
  const failure = await new Promise<number>((resolve) => mountMapped(source, target, userNamespace, resolve));
  if (failure !== 0) throw mountFailure('mount --bind -o X-mount.idmap', target, failure);
}

/** umount2(2), lazily, until nothing is mounted on any of the paths. Returns the system's number of what went wrong, also that nothing was mounted there; 0: nothing did. */
export async function callUnmount(targets: readonly string[]): Promise<number> {
  const { unmount } = await import('#native');
  return new Promise<number>((resolve) => unmount(targets, resolve));
}

const ADVICE: Readonly<Record<string, string>> = {
  EPERM: 'The engine may not mount here: run it as root of the host, or without root by its own means; berth doctor says what is missing',
  ENODEV: 'The kernel lacks this file system: modprobe it, or use a kernel that has it; berth doctor tries it',
  EINVAL: 'The kernel’s log (dmesg) says what it did not accept; berth doctor tries what the engine needs of this host',
  ENOENT: 'A file or folder of it is gone: berth system check names what is damaged',
  ENOSPC: 'Free some disk space; if there is some, the host has as many mounts as it allows (sysctl fs.mount-max)',
  EAGAIN: 'No thread could be started: raise the limit of processes (ulimit -u, or TasksMax of the engine’s unit)',
};

/** What a program would have said: what failed and where, why, and what to do. `command`: how one does the same by hand. */
export function mountFailure(command: string, target: string, failure: number): BerthError {
  const [code, words] = getSystemErrorMap().get(-failure) ?? [`errno ${failure}`, 'unknown error'];
  const cause = Object.assign(new Error(`${code}: ${words}, ${command} ${target}`), { code, errno: -failure, path: target });
  return hostCommandFailed({ command: `${command} ${target}`, status: failure, stderr: `${code}, ${words}. ${ADVICE[code] ?? 'berth doctor tries what the engine needs of this host'}.` }, { cause });
}
