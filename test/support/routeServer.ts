import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../../engine/api/client.ts';
import { silentLog } from '../../engine/base/log.ts';
import { Activity } from '../../engine/server/activity.ts';
import { createHttpServer } from '../../engine/server/httpServer.ts';
import { listenOnSocket } from '../../engine/server/listen.ts';
import type { Route } from '../../engine/server/route.ts';

/** Serves routes on a socket of the test's own; disposing ends it. */
export async function serveRoutes(routes: readonly Route[]): Promise<{ client: ApiClient } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-routes-'));
  const path = join(folder, 'api.sock');
  const server = createHttpServer({ routes: [...routes], log: silentLog, serverName: 'Test', activity: new Activity(0, () => false, () => undefined) });
  await listenOnSocket(server, path);
  return {
    client: new ApiClient(path),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
