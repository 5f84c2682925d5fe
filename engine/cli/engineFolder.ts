import { setTimeout as delay } from 'node:timers/promises';
import { defineError } from '../base/errors.ts';
import { placeOf, startInBackground } from '../remote/sync/background.ts';
import type { Launcher } from '../remote/sync/background.ts';
import { askSync } from '../remote/sync/control.ts';
import { findSync, syncForUp } from '../remote/sync/syncForUp.ts';
import type { SyncRecords } from '../remote/sync/syncRecord.ts';
import type { CliContext } from './context.ts';

const notSynced = defineError<{ folder: string; host: string }>('FOLDER_NOT_ON_HOST', 404, (p) => `${p.folder} is not kept in sync with ${p.host}. berth --host ${p.host} up ${p.folder} begins that; a folder of the host itself is written host:/path`);

/** In front of a path of the engine's host. */
const HOST_PATH = /^host:(\/.*)$/;

export interface SyncParts {
  readonly records: SyncRecords;
  readonly launcher: Launcher;
}

/** The path in `host:/path`; `undefined` for a folder of this machine. */
export function pathOnHost(folder: string): string | undefined {
  return HOST_PATH.exec(folder)?.[1];
}

/**
 * Where the chosen host has a folder of this machine: what is kept in sync with it, which goes on in the background from now on. With `begin`
 * a sync is set up where there is none, and both sides are equal when this resolves. Throws FOLDER_NOT_ON_HOST.
 */
export async function folderOnHost(context: CliContext, { records, launcher }: SyncParts, host: string, folder: string, begin: boolean): Promise<string> {
  await context.engine();
  const { socketPath } = context.client;
  if (begin) return (await syncForUp({ records, folder, socketPath, host, launcher, signal: context.signal })).remoteFolder;
  const record = await findSync(records, folder, socketPath);
  if (!record) throw notSynced({ folder, host });
  let status = await startInBackground(records, record, launcher);
  while (status.remote === undefined && status.state !== 'halted') {
    await delay(50, undefined, { signal: context.signal });
    status = await askSync(placeOf(records, record), 'status', context.signal);
  }
  return status.remote ?? record.remote;
}
