import { chown, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { mountBind, unmount } from '../host/mounts.ts';
import type { Container } from './container.ts';
import { rootOf } from './ownIds.ts';
import type { ContainerParts } from './parts.ts';

type Parts = Pick<ContainerParts, 'folders'>;

/** Shows a root filesystem a second time, in a folder that only the root of the container's user namespace (and the host's) may enter, and returns where. */
export async function showRoot(parts: Parts, { id, paths, record }: Container): Promise<string> {
  const folder = join(parts.folders.mappedRoots, id);
  await mkdir(parts.folders.mappedRoots, { recursive: true, mode: 0o711 });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const owner = rootOf(record);
  await chown(folder, owner.uid, owner.gid);
  const root = join(folder, 'root');
  await mkdir(root, { recursive: true });
  await mountBind(paths.rootfs, root);
  return root;
}

/** Takes the second view of a root filesystem away; fine if there is none. */
export async function dropReachableRoot({ folders }: Parts, { id }: Pick<Container, 'id'>): Promise<void> {
  const folder = join(folders.mappedRoots, id);
  await unmount(join(folder, 'root'));
  // Never with what is in them: that would be the container's files.
  for (const path of [join(folder, 'root'), folder]) await rmdir(path).catch(ignoreMissing);
}

/** Takes away the views that no running container has: of starts and ends that were cut short. */
export async function dropStrayRoots(parts: Parts, runs: (id: string) => boolean): Promise<void> {
  const ids = await readdir(parts.folders.mappedRoots).catch((): string[] => []);
  for (const id of ids) if (!runs(id)) await dropReachableRoot(parts, { id });
}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error;
}
