import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CleanupStack } from '../base/cleanup.ts';
import { mountOverlay, unmount } from '../host/mounts.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import { layerFolders, mountRootfs } from './release.ts';

type Parts = Pick<ContainerParts, 'runtime' | 'snapshots' | 'folders' | 'locks'>;

/** Does work on a container's root filesystem without what is mounted in it; one that does not run has it mounted for that time. */
export function withRootfs<T>(parts: Parts, container: Container, work: (rootfs: string) => Promise<T>): Promise<T> {
  const { rootfs } = container.paths;
  return parts.locks.run(container.id, async () => {
    if (container.running) return work(rootfs);
    await mountRootfs(parts, container);
    try {
      return await work(rootfs);
    } finally {
      await unmount(rootfs);
    }
  });
}

/** Does work on what a container started from: its image's layers, read-only. A kill in the middle leaves a folder that goes with the container. */
export async function withImageView<T>({ snapshots, folders }: Parts, { record, paths }: Container, work: (before: string) => Promise<T>): Promise<T> {
  await using cleanup = new CleanupStack();
  const temp = await mkdtemp(join(paths.folder, 'view-'));
  cleanup.defer(() => rm(temp, { recursive: true, force: true }));
  const folder = async (name: string): Promise<string> => {
    await mkdir(join(temp, name));
    return join(temp, name);
  };
  const [upperDir, workDir, target] = [await folder('upper'), await folder('work'), await folder('root')];
  // Which files there are, not whose: the layers themselves will do.
  const lowerDirs = [...layerFolders(snapshots, { snapshots: record.snapshots }), paths.mountPoints, folders.skeleton];
  await mountOverlay({ lowerDirs, upperDir, workDir, target, volatile: true });
  cleanup.defer(() => unmount(target));
  return await work(target);
}
