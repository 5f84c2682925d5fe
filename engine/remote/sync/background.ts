import { once } from 'node:events';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../api/client.ts';
import { defineError } from '../../base/errors.ts';
import { start, startFailure } from '../../host/process.ts';
import { connectSync } from './connectSync.ts';
import { askSync, serveControl, syncNotRunning } from './control.ts';
import type { ControlPlace, ReportedStatus } from './control.ts';
import type { SyncRecord, SyncRecords } from './syncRecord.ts';
import { SyncSession } from './syncSession.ts';
import type { SyncStatus } from './syncSession.ts';

const syncDidNotStart = defineError<{ folder: string; log: string }>('SYNC_DID_NOT_START', 500, (p) => `The sync of ${p.folder} ended at once. What it said is in ${p.log}`);

/** A sync whose record was removed with its folder ends. */
const FORGOTTEN_MS = 5_000;

/** How to start another process of this program. */
export interface Launcher {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export function placeOf(records: SyncRecords, { id, local }: SyncRecord): ControlPlace {
  return { id, stateFolder: records.stateFolder(id), folder: local };
}

/** Runs a sync in this process until `signal` or a stop ends it. Throws SYNC_ALREADY_RUNS. */
export async function runSync(records: SyncRecords, record: SyncRecord, options: { readonly engine: () => Promise<ApiClient>; readonly signal: AbortSignal; readonly onStatus: (status: SyncStatus) => void }): Promise<void> {
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  const place = placeOf(records, record);
  await using session = await SyncSession.open({ record, stateFolder: place.stateFolder, connect: async (signal) => connectSync(await options.engine(), record, signal) });
  session.onStatus(options.onStatus);
  // First of all: who answers there is the only one who works on the folder.
  await using _control = await serveControl(session, place, stop);
  session.begin();
  const watch = setInterval(() => void stat(place.stateFolder).catch(stop), FORGOTTEN_MS);
  await stopped;
  clearInterval(watch);
  await session.close(); // before the control does: who asked for the end may remove the state folder then
}

/** Starts a sync in the background, if it does not run yet, and waits until it answers. */
export async function startInBackground(records: SyncRecords, record: SyncRecord, launcher: Launcher): Promise<ReportedStatus> {
  const place = placeOf(records, record);
  try {
    return await askSync(place, 'status');
  } catch (error) {
    if (!syncNotRunning.is(error)) throw error;
  }
  await mkdir(place.stateFolder, { recursive: true, mode: 0o700 });
  const log = join(place.stateFolder, 'log');
  const out = await open(log, 'w', 0o600);
  try {
    const child = start(launcher.program, [...launcher.args, ...(record.host === undefined ? [] : ['--host', record.host]), 'sync', 'run', '--id', record.id], { detached: true, stdio: ['ignore', out.fd, out.fd], env: launcher.env, cwd: place.stateFolder, windowsHide: true });
    const ended = once(child, 'exit').then(() => 'ended' as const, (error: unknown) => Promise.reject(startFailure(launcher.program, error instanceof Error ? error : new Error(String(error)))));
    child.unref();
    return await Promise.race([ended.then(() => Promise.reject(syncDidNotStart({ folder: record.local, log }))), untilItAnswers(place)]);
  } finally {
    await out.close();
  }
}

async function untilItAnswers(place: ControlPlace): Promise<ReportedStatus> {
  for (;;) {
    try {
      return await askSync(place, 'status');
    } catch (error) {
      if (!syncNotRunning.is(error)) throw error;
      await delay(30);
    }
  }
}

/** Ends a sync in the background; false: none ran. */
export async function stopInBackground(place: ControlPlace): Promise<boolean> {
  try {
    await askSync(place, 'stop');
  } catch (error) {
    if (syncNotRunning.is(error)) return false;
    throw error;
  }
  for (;;) {
    try {
      await askSync(place, 'status');
      await delay(30);
    } catch {
      return true;
    }
  }
}
