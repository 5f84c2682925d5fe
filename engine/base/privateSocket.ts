import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { makeFolders } from './makeFolders.ts';

const isPipe = (path: string): boolean => path.startsWith('\\\\');

/**
 * Begins to listen where only this user can connect: a unix socket of mode 0600 from its first instant (it is made within this call, while the
 * umask is narrow), on Windows a named pipe. The server's events tell the rest.
 */
export function beginPrivately(server: Server, path: string): void {
  const before = isPipe(path) ? undefined : process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    if (before !== undefined) process.umask(before);
  }
}

/** Listens in a folder of 0700, made if need be. What a killed process left there is replaced: the caller holds a lock, so nobody serves on it. */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  if (!isPipe(path)) {
    await makeFolders(dirname(path), 0o700);
    await rm(path, { force: true });
  }
  beginPrivately(server, path);
  await once(server, 'listening');
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
