import { ApiClient, clientApiVersion } from '../../engine/api/client.ts';
import { versionSchema } from '../../engine/api/docker/system.ts';
import { EngineClient } from '../client/engineClient.ts';

const oldestApi = '1.41';
const answerMs = 15_000;

/** The engine speaks only API versions older than this extension needs. */
export class EngineTooOld extends Error {
  override readonly name = 'EngineTooOld';
  readonly speaks: string;
  readonly needs = oldestApi;

  constructor(speaks: string) {
    super(`The engine speaks API ${speaks}; ${oldestApi} or later is needed`);
    this.speaks = speaks;
  }
}

/** An engine that answered: Berth's, or a Docker daemon (then without what only Berth has). */
export interface Connection {
  readonly client: EngineClient;
  readonly api: ApiClient;
  readonly kind: 'berth' | 'docker';
  readonly version: string;
  /** Berth's log on the engine's host. */
  readonly logFile: string | undefined;
}

/** Asks who serves the socket and agrees on an API version. Throws ConnectError, ApiError, EngineTooOld. */
export async function connect(socketPath: string, closed: AbortSignal): Promise<Connection> {
  const signal = AbortSignal.any([closed, AbortSignal.timeout(answerMs)]);
  const version = await new ApiClient(socketPath, '').json('GET', '/version', versionSchema, { signal });
  if (compare(version.ApiVersion, oldestApi) < 0) throw new EngineTooOld(version.ApiVersion);
  const api = new ApiClient(socketPath, compare(version.ApiVersion, clientApiVersion) < 0 ? version.ApiVersion : clientApiVersion);
  const client = new EngineClient(api);
  const status = await client.engineStatus(signal);
  return { client, api, kind: status ? 'berth' : 'docker', version: version.Version, logFile: status?.logFile };
}

function compare(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
