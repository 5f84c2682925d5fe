import type { Server } from 'node:http';
import { defineError, systemCode } from '../base/errors.ts';
import { listenPrivately } from '../base/privateSocket.ts';

export const socketUnusable = defineError<{ path: string; reason: string }>('SOCKET_UNUSABLE', 500, (p) => `Cannot listen on ${p.path}: ${p.reason}. Set BERTH_SOCKET or BERTH_RUN_ROOT to a folder you may write to.`);

/** Serves on a unix socket that only its owner may open. The caller holds the engine lock. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    await listenPrivately(server, path);
  } catch (error) {
    throw socketUnusable({ path, reason: systemCode(error) ?? String(error) }, { cause: error });
  }
}
