import { rm } from 'node:fs/promises';
import { run } from '../host/process.ts';

/** Removes a folder with all that is on its file system. The host's rm is several times faster than Node's on a tree of thousands of files. */
export async function removeTree(folder: string): Promise<void> {
  await run('rm', ['-rf', '--one-file-system', '--', folder]).catch(() => rm(folder, { recursive: true, force: true }));
}
