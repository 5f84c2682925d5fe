import { Duplex } from 'node:stream';
import type { Readable } from 'node:stream';
import { BerthError } from '../../base/errors.ts';
import type { OperationContext } from '../../base/context.ts';
import type { HostConnection, RemoteProcess } from '../connection.ts';
import { remoteEngineDidNotStart } from '../install/startRemoteEngine.ts';

/** Where a host's engine is. */
export interface PreparedHost {
  /** Its socket, as the host names it. */
  readonly socketPath: string;
  /** Shell text that runs `berth` there: quoted, with the environment it needs. */
  readonly command: string;
}

/**
 * A stream to the engine's socket. In the common case one round trip; when nothing listens the engine is started first, and where the
 * server forbids forwarding to sockets a process on the host passes the bytes on.
 */
export async function openEngineStream(connection: HostConnection, host: PreparedHost, ctx: OperationContext): Promise<Duplex> {
  ctx.report({ status: 'opening the engine\'s socket' });
  try {
    return await connection.openStreamLocal(host.socketPath);
  } catch (error) {
    if (hasCode(error, 'STREAMLOCAL_REFUSED')) return dialByProcess(connection, host, ctx);
    if (!hasCode(error, 'REMOTE_SOCKET_MISSING')) throw error;
  }
  ctx.report({ status: 'starting the engine' });
  await startEngine(connection, host);
  return connection.openStreamLocal(host.socketPath);
}

async function startEngine(connection: HostConnection, host: PreparedHost): Promise<void> {
  const process = await connection.exec(`${host.command} --host local engine start`);
  process.stdin.end();
  process.stdout.resume();
  const [said, { code, signal }] = await Promise.all([tailOf(process.stderr), process.exit]);
  if (code !== 0) throw remoteEngineDidNotStart({ host: connection.description, detail: said || `status ${code ?? signal ?? 'unknown'}`, log: host.command });
}

/** The whole way on one channel: `berth engine dial-stdio` starts the engine if need be. */
async function dialByProcess(connection: HostConnection, host: PreparedHost, ctx: OperationContext): Promise<Duplex> {
  ctx.report({ status: 'opening the engine\'s socket by a process on the host' });
  const process = await connection.exec(`${host.command} engine dial-stdio`);
  const stream = Duplex.from({ readable: process.stdout, writable: process.stdin });
  void failWith(process, connection, host, stream);
  stream.once('close', () => process.kill());
  return stream;
}

async function failWith(process: RemoteProcess, connection: HostConnection, host: PreparedHost, stream: Duplex): Promise<void> {
  const [said, { code }] = await Promise.all([tailOf(process.stderr), process.exit]);
  if (code !== 0 && !stream.destroyed) stream.destroy(remoteEngineDidNotStart({ host: connection.description, detail: said || `berth engine dial-stdio ended with status ${code ?? 'unknown'}`, log: host.command }));
}

async function tailOf(stream: Readable): Promise<string> {
  let text = '';
  try {
    for await (const chunk of stream) text = (text + String(chunk)).slice(-2000);
  } catch {
    // what came before the connection broke will do
  }
  return text.trim();
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof BerthError && error.code === code;
}
