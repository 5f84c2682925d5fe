import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { start, startFailure } from './process.ts';

/**
 * flock(2) on a file: the kernel releases it when the process ends, however it ends, so there is no stale lock to tell from a live one.
 * Node has no flock; the host's `flock` sets it on our descriptor (a lock belongs to the open file, not to the process that asked), and
 * it stays after that helper has left. `waitSeconds` 0: not at all. False if another holds it.
 */
export function lockFile(file: FileHandle, waitSeconds = 0): Promise<boolean> {
  const patience = waitSeconds === 0 ? ['-n'] : ['-w', String(waitSeconds)];
  return new Promise((resolve, reject) => {
    const child = start('flock', ['-x', ...patience, '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    child.once('error', (error) => reject(startFailure('flock', error)));
    child.once('exit', (status) => resolve(status === 0));
  });
}

/** Opens the file, made if need be, and locks it; disposing it gives the lock back. `undefined` when it stayed another's for too long. */
export async function openLocked(path: string, waitSeconds: number): Promise<FileHandle | undefined> {
  const file = await open(path, 'a+', 0o600);
  if (await lockFile(file, waitSeconds)) return file;
  await file.close();
  return undefined;
}
