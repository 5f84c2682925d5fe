import { chmod, mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { defineError } from '../base/errors.ts';
import { start, startFailure } from '../host/process.ts';

export const engineAlreadyRunning = defineError<{ pid: number; dataRoot: string }>('ENGINE_ALREADY_RUNNING', 409, (p) => `An engine (pid ${p.pid}) already serves ${p.dataRoot}. Use it, or stop it with: berth engine stop`);

/**
 * One engine per data root, by flock(2) on `engine.lock`: the kernel releases it when the process ends, however it ends, so
 * there is no stale lock to tell from a live one. Node has no flock; the host's `flock` sets it on our descriptor (a lock
 * belongs to the open file, not to the process that asked), and it stays after that helper has left.
 */
export async function takeEngineLock(dataRoot: string): Promise<{ release(): Promise<void> }> {
  await mkdir(dataRoot, { recursive: true, mode: 0o700 });
  // Images and containers bring set-user-ID programs: no other user of this host may get to where they lie unpacked.
  await chmod(dataRoot, 0o700);
  const file = await open(join(dataRoot, 'engine.lock'), 'a+', 0o600);
  try {
    if (!(await lock(file))) throw engineAlreadyRunning({ pid: await holderOf(file), dataRoot });
    await file.truncate(0);
    await file.write(`${process.pid}\n`);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { release: () => file.close() };
}

function lock(file: FileHandle): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = start('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    child.once('error', (error) => reject(startFailure('flock', error)));
    child.once('exit', (status) => resolve(status === 0));
  });
}

/** The pid that the holder wrote; 0 while it is still writing. */
async function holderOf(file: FileHandle): Promise<number> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
  return Number.parseInt(buffer.subarray(0, bytesRead).toString(), 10) || 0;
}
