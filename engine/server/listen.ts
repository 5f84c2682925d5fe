import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import { defineError, systemCode } from '../base/errors.ts';

export const socketUnusable = defineError<{ path: string; reason: string }>('SOCKET_UNUSABLE', 500, (p) => `Cannot listen on ${p.path}: ${p.reason}. Set BERTH_SOCKET or BERTH_RUN_ROOT to a folder you may write to.`);

/**
 * Listens on a unix socket that only its owner may open (0600, from the first instant: the umask is narrowed while it is
 * made). A socket left by a killed engine is replaced; the caller holds the engine lock, so nobody else is serving on it.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(path, { force: true });
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      });
    } finally {
      process.umask(mask);
    }
    await chmod(path, 0o600);
  } catch (error) {
    throw socketUnusable({ path, reason: systemCode(error) ?? String(error) }, { cause: error });
  }
}
