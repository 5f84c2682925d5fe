// Runs a sync until it is killed: node syncChild.ts <socket> <id> <local> <remote> <state>
import { ApiClient } from '../../engine/api/client.ts';
import { connectSync } from '../../engine/remote/sync/connectSync.ts';
import { SyncSession } from '../../engine/remote/sync/syncSession.ts';

const [socketPath = '', id = '', local = '', remote = '', stateFolder = ''] = process.argv.slice(2);
const client = new ApiClient(socketPath);
const record = { id, local, remote, socketPath, ignore: [], gitignore: true, created: '' };
const session = await SyncSession.open({ record, stateFolder, connect: (signal) => connectSync(client, record, signal) });
session.begin();
setInterval(() => undefined, 1000);
