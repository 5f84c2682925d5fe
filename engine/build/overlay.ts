import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mountOverlay, unmount } from '../host/mounts.ts';

/** A file system to look at or to write to; disposing it unmounts. */
export interface MountedRoot extends AsyncDisposable {
  readonly root: string;
}

/** The layers (topmost first) as one file system to read, mounted below `temp`. */
export async function mountReadable(temp: string, lowerDirs: readonly string[]): Promise<MountedRoot> {
  const upper = join(temp, 'unwritten');
  await mkdir(upper);
  return mount(join(temp, 'view'), join(temp, 'view-work'), lowerDirs, upper);
}

/** The layers with `upper` on top, mounted below `temp`: what is written goes to `upper`. */
export async function mountWritable(temp: string, lowerDirs: readonly string[], upper: string): Promise<MountedRoot> {
  return mount(join(temp, 'root'), join(temp, 'work'), lowerDirs, upper);
}

async function mount(target: string, workDir: string, lowerDirs: readonly string[], upperDir: string): Promise<MountedRoot> {
  // Nothing below: the upper directory is all there is.
  if (lowerDirs.length === 0) return { root: upperDir, [Symbol.asyncDispose]: () => Promise.resolve() };
  await mkdir(target);
  await mkdir(workDir);
  await mountOverlay({ lowerDirs, upperDir, workDir, target });
  return { root: target, [Symbol.asyncDispose]: () => unmount(target) };
}
