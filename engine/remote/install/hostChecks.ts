import { defineError } from '../../base/errors.ts';
import type { BerthError } from '../../base/errors.ts';
import type { Architecture, EngineManifest } from './archive.ts';
import type { HostFacts } from './hostFacts.ts';

/** What keeps a host from being used, and what is only worth saying. Pure. */

const elsewhere = 'Choose a folder on a disk of the host itself for Berth: --dir, or BERTH_REMOTE_DIR.';

export const remoteNotLinux = defineError<{ host: string; system: string }>('REMOTE_NOT_LINUX', 422, (p) => `${p.host} runs ${p.system}. Containers need a Linux host.`);
export const remoteArchitectureUnsupported = defineError<{ host: string; machine: string }>('REMOTE_ARCHITECTURE_UNSUPPORTED', 422, (p) => `${p.host} is a ${p.machine} machine. Berth is made for x86_64 and aarch64 hosts.`);
export const remoteKernelTooOld = defineError<{ host: string; kernel: string }>('REMOTE_KERNEL_TOO_OLD', 422, (p) => `${p.host} runs Linux ${p.kernel}. Berth needs 5.11 or later: update the host's kernel (a newer release of its distribution, or its backports or hardware-enablement kernel).`);
export const remoteFolderNotWritable = defineError<{ host: string; folder: string }>('REMOTE_FOLDER_NOT_WRITABLE', 403, (p) => `${p.folder} on ${p.host} cannot be written to. Make it writable for this user, or choose another folder for Berth: --dir, or BERTH_REMOTE_DIR.`);
export const remoteNoExec = defineError<{ host: string; folder: string; mountPoint: string }>('REMOTE_NOEXEC', 422, (p) => `Programs cannot run from ${p.folder} on ${p.host}: ${p.mountPoint} is mounted noexec. Choose a folder elsewhere for Berth: --dir, or BERTH_REMOTE_DIR.`);
export const remoteSharedHome = defineError<{ host: string; folder: string; type: string }>('REMOTE_SHARED_HOME', 422, (p) => `${p.folder} on ${p.host} is on a file system that hosts share (${p.type}): it cannot hold containers. ${elsewhere}`);
export const remoteDiskFull = defineError<{ host: string; folder: string; free: string; needed: string }>('REMOTE_DISK_FULL', 507, (p) => `${p.folder} on ${p.host} has no room for the engine: ${p.free} are free, ${p.needed} are needed. Free some space there, or choose another folder for Berth: --dir, or BERTH_REMOTE_DIR. Nothing was changed.`);
export const remoteNoUserNamespaces = defineError<{ host: string; user: string; detail: string }>('REMOTE_NO_USER_NAMESPACES', 422, (p) => `${p.user} cannot run containers on ${p.host} without root: ${p.detail}. Let an administrator allow user namespaces there (sysctl), or connect as root.`);
export const remoteClockWrong = defineError<{ host: string; seconds: number }>('REMOTE_CLOCK_WRONG', 422, (p) => `The clock of ${p.host} is ${Math.abs(p.seconds)} s ${p.seconds > 0 ? 'ahead of' : 'behind'} this machine's. Registries and other TLS servers may seem to have certificates that are not valid: set the clock of whichever is wrong (timedatectl set-ntp true).`);
export const remoteNoSubIds = defineError<{ host: string; user: string; detail: string }>('REMOTE_NO_SUBIDS', 422, (p) => `${p.user} on ${p.host} has no further user ids for containers (${p.detail}): images with more than one user will not work. As root there: install uidmap (or shadow-utils), and usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${p.user}`);
export const remoteNamespacesByProfile = defineError<{ host: string; user: string; program: string }>('REMOTE_NAMESPACES_BY_PROFILE', 422, (p) => `AppArmor on ${p.host} lets only programs with a profile make user namespaces: ${p.user} may not be able to run containers there without root. As root: a profile that allows userns for ${p.program}, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`);
export const remoteLittleDisk = defineError<{ host: string; folder: string; free: string }>('REMOTE_LITTLE_DISK', 507, (p) => `${p.folder} on ${p.host} has only ${p.free} free: enough for the engine and a few small images.`);

const MIB = 1024 * 1024;
const SHARED = /^(nfs\d?|cifs|smb\d?|smbfs|afs|lustre|gpfs|ceph|beegfs|glusterfs|ocfs2|gfs2?|panfs|fuse\.(sshfs|glusterfs|ceph-fuse|beegfs\S*))$/;

/** What a host's machine is called here. Throws REMOTE_NOT_LINUX, REMOTE_ARCHITECTURE_UNSUPPORTED. */
export function architectureOf(host: string, { system, machine }: HostFacts): Architecture {
  if (system !== 'Linux') throw remoteNotLinux({ host, system });
  if (machine === 'x86_64' || machine === 'amd64') return 'x64';
  if (machine === 'aarch64' || machine === 'arm64') return 'arm64';
  throw remoteArchitectureUnsupported({ host, machine });
}

/** Throws when the engine cannot run there, installed or not. */
export function assertCanRun(host: string, facts: HostFacts): void {
  assertKernel(host, facts);
  assertNamespaces(host, facts);
}

export function assertKernel(host: string, facts: HostFacts): void {
  architectureOf(host, facts);
  const [major = 0, minor = 0] = facts.kernel.split('.').map((part) => Number.parseInt(part, 10));
  if (major < 5 || (major === 5 && minor < 11)) throw remoteKernelTooOld({ host, kernel: facts.kernel });
}

export function assertNamespaces(host: string, facts: HostFacts): void {
  if (facts.uid !== 0 && facts.noUserNamespaces !== undefined) throw remoteNoUserNamespaces({ host, user: facts.user, detail: facts.noUserNamespaces });
}

/** Throws when the engine cannot be put there. `chosen`: somebody chose the folder, and knows what it is on. */
export function assertCanInstall(host: string, facts: HostFacts, manifest: EngineManifest, chosen: boolean): void {
  const { near: folder, fileSystem } = facts;
  assertFolder(host, facts);
  if (!chosen && SHARED.test(fileSystem.type)) throw remoteSharedHome({ host, folder, type: fileSystem.type });
  assertRoom(host, facts, manifest.size + manifest.unpackedSize + 16 * MIB);
}

/** `needed`: by default about what an engine takes. */
export function assertRoom(host: string, { near: folder, free }: HostFacts, needed = 224 * MIB): void {
  if (free !== undefined && free < needed) throw remoteDiskFull({ host, folder, free: mebibytes(free), needed: mebibytes(needed) });
}

export function assertFolder(host: string, { near: folder, writable, fileSystem }: HostFacts): void {
  if (!writable) throw remoteFolderNotWritable({ host, folder });
  if (fileSystem.noexec) throw remoteNoExec({ host, folder, mountPoint: fileSystem.mountPoint });
}

/** What will not work as it should, each with what to do. */
export function warningsAbout(host: string, facts: HostFacts): BerthError[] {
  return [...clockWarnings(host, facts), ...diskWarnings(host, facts), ...userWarnings(host, facts)];
}

export function clockWarnings(host: string, { clockAhead }: HostFacts): BerthError[] {
  return Math.abs(clockAhead) > 300 ? [remoteClockWrong({ host, seconds: Math.round(clockAhead) })] : [];
}

export function diskWarnings(host: string, { near: folder, fileSystem, free }: HostFacts): BerthError[] {
  const warnings: BerthError[] = [];
  if (SHARED.test(fileSystem.type)) warnings.push(remoteSharedHome({ host, folder, type: fileSystem.type }));
  if (free !== undefined && free < 1024 * MIB) warnings.push(remoteLittleDisk({ host, folder, free: mebibytes(free) }));
  return warnings;
}

export function userWarnings(host: string, { uid, user, subIds, userNamespacesByProfile, dir }: HostFacts): BerthError[] {
  if (uid === 0) return [];
  const warnings: BerthError[] = [];
  if (!subIds.newuidmap) warnings.push(remoteNoSubIds({ host, user, detail: 'the host has no newuidmap' }));
  else if (Math.min(subIds.uids, subIds.gids) < 65536) warnings.push(remoteNoSubIds({ host, user, detail: `${subIds.uids} in /etc/subuid, ${subIds.gids} in /etc/subgid` }));
  if (userNamespacesByProfile) warnings.push(remoteNamespacesByProfile({ host, user, program: `${dir}/engine/*/bin/rootlesskit` }));
  return warnings;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
