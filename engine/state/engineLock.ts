import { chmod, open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { defineError } from '../base/errors.ts';
import { asFolderError, engineFolderUnusable } from '../base/makeFolders.ts';
import { lockFile } from '../host/fileLock.ts';
import { makeDataRoot } from './madeFolders.ts';

export const engineAlreadyRunning = defineError<{ pid: number; dataRoot: string }>('ENGINE_ALREADY_RUNNING', 409, (p) => `An engine (pid ${p.pid}) already serves ${p.dataRoot}. Use it, or stop it with: berth engine stop`);

/** One engine per data root, by a lock on `engine.lock`. */
export async function takeEngineLock(dataRoot: string): Promise<{ release(): Promise<void> }> {
  await makeDataRoot(dataRoot);
  const file = await openLockFile(dataRoot).catch((error: unknown) => {
    throw asFolderError(error, dataRoot, 'BERTH_DATA_ROOT');
  });
  try {
    if (!(await lockFile(file))) throw engineAlreadyRunning({ pid: await holderOf(file), dataRoot });
    await file.truncate(0);
    await file.write(`${process.pid}\n`);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { release: () => file.close() };
}

/** Images and containers bring set-user-ID programs: no other user of this host may get to where they lie unpacked. */
async function openLockFile(dataRoot: string): Promise<FileHandle> {
  const names = await readdir(dataRoot);
  // A folder with other things in it (a home, the root) is not ours to close to others.
  const isOurs = names.includes('engine.lock') || names.every((name) => ['made', 'lost+found'].includes(name));
  if (!isOurs && ((await stat(dataRoot)).mode & 0o077) !== 0) throw engineFolderUnusable({ path: dataRoot, reason: 'other things are in it, and other users may enter it', variable: 'BERTH_DATA_ROOT' });
  const file = await open(join(dataRoot, 'engine.lock'), 'a+', 0o600);
  if (isOurs) await chmod(dataRoot, 0o700);
  return file;
}

/** The pid that the holder wrote; 0 while it is still writing. */
async function holderOf(file: FileHandle): Promise<number> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
  return Number.parseInt(buffer.subarray(0, bytesRead).toString(), 10) || 0;
}
