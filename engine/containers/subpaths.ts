import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { mountBindFd, unmount } from '../host/mounts.ts';
import type { Container } from './container.ts';
import { startFailed } from './errors.ts';
import { FolderHandle } from './folderHandle.ts';
import type { MountPoint } from './record.ts';

/** Finds a file without opening it; Node has no name for it. */
const O_PATH = 0o10000000;

/**
 * Mounts of a part of a volume, in a form that the runtime can make: the part is found step by step, without following a link out of
 * the volume, and held while it is bound, so that whoever writes in the volume meanwhile cannot make it lead elsewhere.
 */
export async function mountSubpaths({ record, paths }: Container, mounts: readonly MountPoint[]): Promise<readonly MountPoint[]> {
  if (!mounts.some(({ subpath }) => subpath)) return mounts;
  return Promise.all(
    mounts.map(async (mount, index) => {
      if (!mount.subpath) return mount;
      const target = join(folderOf(paths.folder), String(index));
      await bindPart(mount.source, mount.subpath, target).catch((error: unknown) => {
        throw startFailed({ id: record.id, detail: `cannot mount ${mount.subpath} of volume ${mount.name ?? ''}: ${systemCode(error) === 'ENOENT' ? 'there is no such file or folder in the volume' : error instanceof Error ? error.message : String(error)}` }, { cause: error });
      });
      return { ...mount, source: target };
    }),
  );
}

export async function unmountSubpaths({ record, paths }: Container): Promise<void> {
  if (!record.mounts.some(({ subpath }) => subpath)) return;
  const folder = folderOf(paths.folder);
  const targets = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  await unmount(...targets);
  for (const target of targets) await rm(target, { recursive: true, force: true });
}

async function bindPart(volume: string, subpath: string, target: string): Promise<void> {
  await using root = await FolderHandle.open(volume);
  const folder = await root.descend(subpath).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOTDIR') throw error;
    return undefined;
  });
  if (folder) {
    await using found = folder;
    await mkdir(target, { recursive: true });
    return await mountBindFd(found.fd, target); // held until it is mounted
  }
  await using parent = await root.descend(posix.dirname(subpath));
  const file = await open(parent.child(posix.basename(subpath)), O_PATH | constants.O_NOFOLLOW);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is neither a file nor a folder');
    await mkdir(posix.dirname(target), { recursive: true });
    await writeFile(target, '');
    await mountBindFd(file.fd, target);
  } finally {
    await file.close();
  }
}

function folderOf(folder: string): string {
  return join(folder, 'subpaths');
}
