// The host's half of syncs as a process of its own: node syncServerChild.ts <data root>. Prints its socket.
import { silentLog } from '../../engine/base/log.ts';
import { syncRoutes } from '../../engine/server/routes/berth/syncs.ts';
import { SyncService } from '../../engine/sync/syncService.ts';
import { serveRoutes } from './routeServer.ts';

const service = new SyncService({ dataRoot: process.argv[2] ?? '', log: silentLog });
const { client } = await serveRoutes(syncRoutes(service));
console.log(client.socketPath);
