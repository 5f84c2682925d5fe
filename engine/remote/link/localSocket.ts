import { chmod, mkdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

const isPipe = (path: string): boolean => path.startsWith('\\\\');

/** Listens where only this user can connect: a unix socket of mode 0600 from its first instant in a folder of 0700, on Windows a named pipe. The caller holds the lock. */
export async function listenLocally(server: Server, path: string): Promise<void> {
  if (!isPipe(path)) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(path, { force: true });
  }
  const mask = isPipe(path) ? undefined : process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } finally {
    if (mask !== undefined) process.umask(mask);
  }
  if (!isPipe(path)) await chmod(path, 0o600);
}

/** Takes a socket file away; a named pipe goes with its process. */
export async function removeSocket(path: string): Promise<void> {
  if (!isPipe(path)) await rm(path, { force: true });
}

/** Whether a process serves there. */
export function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
