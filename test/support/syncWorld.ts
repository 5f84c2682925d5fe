import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../engine/api/client.ts';
import { silentLog } from '../../engine/base/log.ts';
import type { SyncRecord } from '../../engine/remote/sync/syncRecord.ts';
import { SyncSession } from '../../engine/remote/sync/syncSession.ts';
import { cloneRoutes } from '../../engine/server/routes/berth/clone.ts';
import { syncRoutes } from '../../engine/server/routes/berth/syncs.ts';
import { SyncService } from '../../engine/sync/syncService.ts';
import { serveRoutes } from './routeServer.ts';
import { quickFolder } from './syncPair.ts';

/** The host's half of syncs behind a real socket, two folders, and sessions between them. */
export class SyncWorld implements AsyncDisposable {
  readonly folder: string;
  readonly local: string;
  readonly remote: string;
  readonly service: SyncService;
  readonly client: ApiClient;
  /** The carriers so far, the latest last. */
  readonly carriers: Socket[] = [];
  readonly #server: AsyncDisposable;
  readonly #sessions: SyncSession[] = [];

  private constructor(folder: string, service: SyncService, server: { client: ApiClient } & AsyncDisposable) {
    this.folder = folder;
    this.local = join(folder, 'local');
    this.remote = join(folder, 'remote');
    this.service = service;
    this.client = server.client;
    this.#server = server;
    mkdirSync(this.local);
  }

  static async open(): Promise<SyncWorld> {
    const folder = mkdtempSync(join(quickFolder(), 'berth-sync-'));
    const service = new SyncService({ dataRoot: join(folder, 'data'), log: silentLog, home: join(folder, 'home') });
    return new SyncWorld(folder, service, await serveRoutes([...syncRoutes(service), ...cloneRoutes(), { method: 'GET', path: '/_ping', handle: (_context, reply) => reply.json(200, 'OK') }]));
  }

  get record(): SyncRecord {
    return { id: '5'.repeat(16), local: this.local, remote: this.remote, socketPath: this.client.socketPath, ignore: [], gitignore: true, created: '' };
  }

  get stateFolder(): string {
    return join(this.folder, 'state');
  }

  /** `onCarrier` gets each stream before the session does. */
  async session(onCarrier: (socket: Socket) => void = () => undefined): Promise<SyncSession> {
    const { record, stateFolder } = this;
    const session = await SyncSession.open({
      record,
      stateFolder,
      connect: async (signal) => {
        const { socket } = await this.client.hijack('POST', `/berth/v1/syncs/${record.id}/connect`, { json: { folder: record.remote }, signal });
        this.carriers.push(socket);
        onCarrier(socket);
        return socket;
      },
    });
    this.#sessions.push(session);
    session.begin();
    return session;
  }

  /** Bytes that went over all carriers, to the host and back. */
  get traffic(): { sent: number; received: number } {
    return this.carriers.reduce((sum, socket) => ({ sent: sum.sent + socket.bytesWritten, received: sum.received + socket.bytesRead }), { sent: 0, received: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) await session.close();
    await this.service.close();
    await this.#server[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until something is so; fails after ten seconds, with `what`. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`it did not come to this in ten seconds: ${what}`);
    await delay(5);
  }
}
