import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mountOverlay, unmount } from '../host/mounts.ts';
import type { OverlaySpec } from '../host/mounts.ts';
import type { Container } from './container.ts';
import { unmountIdmapped } from './idmapFallback.ts';
import type { ContainerParts } from './parts.ts';
import type { Snapshots } from './ports.ts';
import type { ContainerRecord } from './record.ts';
import { dropReachableRoot } from './reachableRoot.ts';
import { unmountSubpaths } from './subpaths.ts';

type RootfsParts = Pick<ContainerParts, 'runtime' | 'snapshots' | 'folders'>;

/** Mounts a container's root filesystem: its changes over the image's layers over the skeleton. On disk, and so here, it has the container's own ids, whatever user namespace it runs in. */
export async function mountRootfs(parts: RootfsParts, container: Container): Promise<void> {
  const { keepId, snapshots } = container.record;
  if (keepId) await parts.snapshots.shifted.ensure(snapshots, keepId);
  await mountOverlay(overlayOf(parts, container, (path) => path));
}

/** What `mountRootfs` mounts, every path `seen` where the caller has it. */
export function overlayOf({ runtime, snapshots, folders }: RootfsParts, { record, paths }: Container, seen: (path: string) => string): OverlaySpec {
  const lowerDirs = [...layerFolders(snapshots, record), paths.mountPoints, folders.skeleton];
  return { lowerDirs: lowerDirs.map(seen), upperDir: seen(paths.upper), workDir: seen(paths.work), target: paths.rootfs, volatile: record.hostConfig.AutoRemove ?? false, noDevices: !runtime.cgroups, ...(record.seLinux ? { label: record.seLinux.mount } : {}) };
}

/** The image's layers as a container has them, topmost first: as they are, or copies for its ids. */
export function layerFolders(snapshots: Pick<Snapshots, 'lowerDir' | 'shifted'>, { snapshots: ids, keepId }: Pick<ContainerRecord, 'snapshots' | 'keepId'>): string[] {
  return ids.map((id) => (keepId ? snapshots.shifted.dir({ id, keepId }) : snapshots.lowerDir(id))).reverse();
}

/** Takes away all that a start made: processes, cgroup, network, mounts, bundle. Everything is idempotent. */
export async function releaseRuntime(parts: ContainerParts, container: Container): Promise<void> {
  const { runtime, networks } = parts;
  await Promise.all([runtime.delete(container.id).then(() => unmountAll(parts, container)), networks.release(container.id)]);
  // An end that could not be written down for want of room is told by conmon's note.
  if (!parts.store.isUnsaved(container)) await rm(join(parts.folders.exits, container.id), { force: true });
  // Last: as long as it is there, the next engine does all this again.
  await rm(container.paths.bundle, { recursive: true, force: true });
}

async function unmountAll(parts: ContainerParts, container: Container): Promise<void> {
  if (container.record.idRange) await dropReachableRoot(parts, container);
  await unmountIdmapped(container);
  await unmountSubpaths(container);
  await unmount(container.paths.rootfs, ...(container.record.hostConfig.IpcMode === 'shareable' ? [container.paths.shm] : []));
  // What `volatile` leaves to say "not synced": without removing it the same directories could not be mounted again.
  if (container.record.hostConfig.AutoRemove) await rm(join(container.paths.work, 'work/incompat'), { recursive: true, force: true });
}
