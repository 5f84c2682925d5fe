import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mountOverlay, unmount } from '../host/mounts.ts';
import type { Container } from './container.ts';
import { unmountIdmapped } from './idmapFallback.ts';
import type { ContainerParts } from './parts.ts';
import { unmountSubpaths } from './subpaths.ts';

/** Mounts a container's root filesystem: its changes over the image's layers over the skeleton. */
export async function mountRootfs({ runtime, snapshots, folders }: Pick<ContainerParts, 'runtime' | 'snapshots' | 'folders'>, { record, paths }: Container): Promise<void> {
  const lowerDirs = [...record.snapshots.map((id) => snapshots.lowerDir(id)).reverse(), paths.mountPoints, folders.skeleton];
  await mountOverlay({ lowerDirs, upperDir: paths.upper, workDir: paths.work, target: paths.rootfs, volatile: record.hostConfig.AutoRemove ?? false, noDevices: !runtime.cgroups });
}

/** Takes away all that a start made: processes, cgroup, network, mounts, bundle. Everything is idempotent. */
export async function releaseRuntime(parts: ContainerParts, container: Container): Promise<void> {
  const { runtime, networks } = parts;
  await Promise.all([runtime.delete(container.id).then(() => unmountAll(container)), networks.release(container.id)]);
  // An end that could not be written down for want of room is told by conmon's note.
  if (!parts.store.isUnsaved(container)) await rm(join(parts.folders.exits, container.id), { force: true });
  // Last: as long as it is there, the next engine does all this again.
  await rm(container.paths.bundle, { recursive: true, force: true });
}

async function unmountAll(container: Container): Promise<void> {
  await unmountIdmapped(container);
  await unmountSubpaths(container);
  await unmount(container.paths.rootfs, ...(container.record.hostConfig.IpcMode === 'shareable' ? [container.paths.shm] : []));
  // What `volatile` leaves to say "not synced": without removing it the same directories could not be mounted again.
  if (container.record.hostConfig.AutoRemove) await rm(join(container.paths.work, 'work/incompat'), { recursive: true, force: true });
}
