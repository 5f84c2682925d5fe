import { readdir } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { writeTar } from './archive.ts';
import type { Container } from './container.ts';
import { FolderHandle } from './folderHandle.ts';
import type { ContainerParts } from './parts.ts';
import { withRootfs } from './rootfsView.ts';

/** Writes a container's root filesystem as a tar, without volumes and other mounts, as `docker export` does. */
export async function exportContainer(parts: ContainerParts, container: Container, begin: () => Writable, signal: AbortSignal): Promise<void> {
  await withRootfs(parts, container, async (rootfs) => {
    await using folder = await FolderHandle.open(rootfs);
    const names = await readdir(folder.child('.'));
    await writeTar(container, { folder, args: ['--one-file-system', '--warning=no-file-ignored', '--', ...names.sort()], what: `container ${container.id.slice(0, 12)}` }, begin(), signal);
  });
}
