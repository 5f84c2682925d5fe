import { mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mountBindTree } from '../host/mounts.ts';
import type { Container } from './container.ts';
import { idmappedFolder } from './idmapFallback.ts';
import type { MountPoint } from './record.ts';

/** Whom the kernel shows in the place of users and groups that have no id here. */
const NOBODY = 65_534;

/**
 * The mounts of a container with a keep-id map. The OCI runtime makes them as root of its user namespace, who is not the engine's user: a folder of yours that only
 * you and a group without an id here may enter is closed to it. What is behind such a folder is shown among the container's own files.
 */
export async function reachableMounts(container: Container): Promise<MountPoint[]> {
  const mounts = container.record.mounts.map(({ idmap: _notHere, ...mount }) => mount);
  return Promise.all(mounts.map(async (mount, index) => (mount.type !== 'bind' || (await isReachable(mount.source)) ? mount : await showAside(container, mount, String(index)))));
}

async function isReachable(source: string): Promise<boolean> {
  let folder = await realpath(source).catch(() => undefined);
  while (folder !== undefined && folder !== '/') {
    folder = dirname(folder);
    const { mode, uid, gid } = await stat(folder);
    if ((mode & 0o001) === 0 && (uid === NOBODY || gid === NOBODY)) return false;
  }
  return true;
}

async function showAside(container: Container, mount: MountPoint, name: string): Promise<MountPoint> {
  const target = join(idmappedFolder(container), name);
  await mkdir(idmappedFolder(container), { recursive: true });
  if ((await stat(mount.source)).isDirectory()) await mkdir(target, { recursive: true });
  else await writeFile(target, '');
  await mountBindTree(mount.source, target);
  return { ...mount, source: target };
}
