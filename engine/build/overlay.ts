import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mountOverlay, unmount } from '../host/mounts.ts';

/** A file system to look at; disposing it unmounts. */
export interface MountedView extends AsyncDisposable {
  readonly root: string;
}

/** The layers (topmost first) as one file system to read, mounted at `target`. The layers stay as they are, whatever is written: that goes below `temp`. */
export async function mountReadable(temp: string, lowerDirs: readonly string[], target = join(temp, 'view')): Promise<MountedView> {
  await mkdir(target);
  // Nothing below: an empty folder is all there is.
  if (lowerDirs.length === 0) return { root: target, [Symbol.asyncDispose]: () => Promise.resolve() };
  const upperDir = join(temp, 'unwritten');
  const workDir = join(temp, 'view-work');
  await mkdir(upperDir);
  await mkdir(workDir);
  await mountOverlay({ lowerDirs, upperDir, workDir, target });
  return { root: target, [Symbol.asyncDispose]: () => unmount(target) };
}
