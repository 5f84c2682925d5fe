import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mountOverlay, unmount } from '../host/mounts.ts';

/** A file system to look at; disposing it unmounts. */
export interface MountedView extends AsyncDisposable {
  readonly root: string;
}

/** The layers (topmost first) as one file system to read, mounted below `temp`. Nobody writes to it. */
export async function mountReadable(temp: string, lowerDirs: readonly string[]): Promise<MountedView> {
  const upperDir = join(temp, 'unwritten');
  await mkdir(upperDir);
  // Nothing below: an empty folder is all there is.
  if (lowerDirs.length === 0) return { root: upperDir, [Symbol.asyncDispose]: () => Promise.resolve() };
  const target = join(temp, 'view');
  const workDir = join(temp, 'view-work');
  await mkdir(target);
  await mkdir(workDir);
  await mountOverlay({ lowerDirs, upperDir, workDir, target });
  return { root: target, [Symbol.asyncDispose]: () => unmount(target) };
}
