import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mountOverlay, unmount } from '../host/mounts.ts';
import type { Container } from './container.ts';
import { idmappedFolder } from './idmapFallback.ts';
import { mountIdmapped } from '../host/idmappedMount.ts';
import type { ContainerParts } from './parts.ts';
import { showRoot } from './reachableRoot.ts';
import { overlayOf } from './release.ts';

type Parts = Pick<ContainerParts, 'runtime' | 'snapshots' | 'folders'>;

/**
 * Mounts a container's root filesystem, already mounted for who prepares it, as its user namespace shall see it, and returns where: the overlay stands on an
 * idmapped view of all our data. On disk every file keeps the id that it has inside, so nothing is ever chowned, images are stored once for all ranges, and
 * diff, commit and copies see the right owners. The OCI runtime makes the mounts of a container as its root, who must be able to walk to them:
 * our data folder lets nobody else pass, so the tree is shown a second time, in a folder that is this root's alone.
 */
export async function mountMappedRoot(parts: Parts, container: Container, mapPath: string): Promise<string> {
  const { paths } = container;
  const view = join(idmappedFolder(container), 'data');
  await mkdir(view, { recursive: true });
  await unmount(paths.rootfs);
  await mountIdmapped(parts.folders.data, view, mapPath);
  // The overlay keeps mounts of its own of what it stands on.
  try {
    await mountOverlay(overlayOf(parts, container, (path) => view + path.slice(parts.folders.data.length)));
  } finally {
    await unmount(view);
  }
  return showRoot(parts, container);
}
