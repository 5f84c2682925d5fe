import { lstat, readdir } from 'node:fs/promises';
import { run } from '../host/process.ts';
import type { Owner } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import { rootOf } from './ownIds.ts';
import { mkdirInside, readInside, resolveInside } from './rootfs.ts';
import type { MountPoint } from './record.ts';
import { together } from './together.ts';
import { resolveUser } from './user.ts';
import type { ResolvedUser } from './user.ts';

/** Makes a mounted root filesystem ready for its process, and says who that process is. */
export async function prepareRootfs({ record, paths }: Container): Promise<ResolvedUser> {
  const root = record.keepId ? rootOf(record) : undefined;
  const { config, hostConfig, mounts } = record;
  const [user] = await together([readUser(paths.rootfs, config.User ?? '', hostConfig.GroupAdd ?? []), makeWorkdir(paths.rootfs, config.WorkingDir ?? '', mounts, root), ...mounts.map((mount) => fillVolume(paths.rootfs, mount))]);
  return user;
}

/** Resolves a user by the passwd and group files inside a root filesystem. */
export async function readUser(rootfs: string, spec: string, groups: readonly string[]): Promise<ResolvedUser> {
  const [passwd = '', group = ''] = await Promise.all([readInside(rootfs, '/etc/passwd'), readInside(rootfs, '/etc/group')]);
  return resolveUser(spec, passwd, group, groups);
}

/** Docker makes a missing working directory; one inside a mount is that mount's matter. */
async function makeWorkdir(rootfs: string, workdir: string, mounts: readonly MountPoint[], root: Owner | undefined): Promise<void> {
  if (workdir === '' || workdir === '/') return;
  if (mounts.some(({ destination }) => workdir === destination || workdir.startsWith(`${destination}/`))) return;
  await mkdirInside(rootfs, workdir, root);
}

/** An empty volume gets what the image has at its place, with owners and modes. */
async function fillVolume(rootfs: string, mount: MountPoint): Promise<void> {
  if (mount.type !== 'volume' || !mount.copyUp || mount.subpath || (await readdir(mount.source)).length > 0) return;
  const inside = await resolveInside(rootfs, mount.destination);
  const info = await lstat(inside).catch(() => undefined);
  if (!info?.isDirectory()) return;
  await run('cp', ['-a', '--', `${inside}/.`, `${mount.source}/`]);
}
