import { engineStatusSchema } from '../../api/berth/engine.ts';
import type { EngineStatus } from '../../api/berth/engine.ts';
import { defineError } from '../../base/errors.ts';
import type { HostConnection } from '../connection.ts';
import type { RemoteEngine } from './installEngine.ts';
import { remoteConnectionLost, runRemote } from './remoteCommand.ts';

export const remoteEngineDidNotStart = defineError<{ host: string; detail: string; log: string }>('REMOTE_ENGINE_DID_NOT_START', 502, (p) => `The engine on ${p.host} did not start: ${p.detail}. See there: ${p.log} doctor`);

const STARTING = 'starting the engine';

/** The engine that runs on a host, started if none does; says where its socket is. It may be one that another version started. */
export async function startRemoteEngine(connection: HostConnection, engine: RemoteEngine, signal: AbortSignal): Promise<EngineStatus> {
  const { lost, stdout, stderr } = await runRemote(connection, engine.startCommand, signal, STARTING);
  const status = stdout.split('\n').map(parseStatus).find((one) => one !== undefined);
  if (status) return status;
  if (lost) throw remoteConnectionLost({ host: connection.description, step: STARTING });
  throw remoteEngineDidNotStart({ host: connection.description, detail: (stderr.trim() || stdout.trim()).slice(-500) || 'it did not say why', log: engine.program });
}

/** A line of the answer, if it is one: login scripts may print something before. */
function parseStatus(line: string): EngineStatus | undefined {
  try {
    return engineStatusSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
