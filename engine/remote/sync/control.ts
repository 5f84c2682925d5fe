import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { defineError, systemCode } from '../../base/errors.ts';
import { beginPrivately, removeSocket, somebodyListens } from '../../base/privateSocket.ts';
import type { SyncSession, SyncStatus } from './syncSession.ts';

/** How other commands reach the process that runs a sync: one line of JSON each way, over a socket in the sync's private folder. */

export const syncAlreadyRuns = defineError<{ folder: string }>('SYNC_ALREADY_RUNS', 409, (p) => `${p.folder} is being synced already. See berth sync status, or end it with berth sync stop.`);
export const syncNotRunning = defineError<{ folder: string }>('SYNC_NOT_RUNNING', 409, (p) => `Nothing syncs ${p.folder} now. Start it with berth sync start ${p.folder}`);
const syncRefused = defineError<{ detail: string }>('SYNC_FAILED', 500, (p) => p.detail);

const requestSchema = z.object({ type: z.enum(['status', 'flush', 'stop']) });
export type ControlRequest = z.infer<typeof requestSchema>['type'];

const pathList = z.array(z.looseObject({ path: z.string() }));
const statusSchema = z.looseObject({
  state: z.enum(['connecting', 'working', 'watching', 'disconnected', 'halted', 'closed']),
  detail: z.string().optional(),
  remote: z.string().optional(),
  pending: z.number(),
  problems: pathList.pipe(z.array(z.looseObject({ path: z.string(), side: z.enum(['local', 'remote']), detail: z.string() }))),
  conflicts: pathList.pipe(z.array(z.looseObject({ path: z.string(), copy: z.string(), loser: z.enum(['local', 'remote']) }))),
  changesToLocal: z.number(),
  changesToRemote: z.number(),
});
const answerSchema = z.object({ error: z.string().optional(), status: statusSchema });
export type ReportedStatus = z.infer<typeof statusSchema>;

function controlPath(id: string, stateFolder: string): string {
  return process.platform === 'win32' ? String.raw`\\.\pipe\berth-sync-${id}` : join(stateFolder, 'control.sock');
}

/** Answers for a session until disposed. Throws SYNC_ALREADY_RUNS. `stop` is what a stop asks for. */
export async function serveControl(session: SyncSession, place: ControlPlace, stop: () => void): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => undefined));
    void converse(socket, session, stop);
  });
  await listen(server, place);
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.end();
      await once(server, 'close');
    },
  };
}

export interface ControlPlace {
  readonly id: string;
  readonly stateFolder: string;
  /** The local folder, for messages. */
  readonly folder: string;
}

/** Asks the process that runs a sync. Throws SYNC_NOT_RUNNING, or what the sync says. */
export async function askSync(place: ControlPlace, type: ControlRequest, signal?: AbortSignal): Promise<ReportedStatus> {
  const socket = connect(controlPath(place.id, place.stateFolder));
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await once(socket, 'connect');
    socket.write(`${JSON.stringify({ type })}\n`);
    const { error, status } = answerSchema.parse(JSON.parse(await readLine(socket)));
    if (error !== undefined) throw syncRefused({ detail: error });
    return status;
  } catch (error) {
    signal?.throwIfAborted();
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE' || error instanceof SyntaxError) throw syncNotRunning({ folder: place.folder }, { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

async function converse(socket: Socket, session: SyncSession, stop: () => void): Promise<void> {
  try {
    const { type } = requestSchema.parse(JSON.parse(await readLine(socket)));
    if (type === 'stop') stop();
    const status: SyncStatus = type === 'flush' ? await session.flush() : session.status;
    socket.end(`${JSON.stringify({ status })}\n`);
  } catch (error) {
    socket.end(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error), status: session.status })}\n`);
  }
}

async function readLine(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8').iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
    if (text.length > 16 * 1024 * 1024) break;
  }
  return text;
}

/** A socket that a killed process left is taken over; one that answers is another's. */
async function listen(server: Server, place: ControlPlace): Promise<void> {
  const path = controlPath(place.id, place.stateFolder);
  for (let attempt = 0; ; attempt++) {
    try {
      beginPrivately(server, path);
      await once(server, 'listening');
      return;
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' || attempt > 0) throw error;
      if (await somebodyListens(path)) throw syncAlreadyRuns({ folder: place.folder }, { cause: error });
      await removeSocket(path);
    }
  }
}
