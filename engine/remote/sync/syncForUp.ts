import type { ReportedStatus } from './control.ts';
import { askSync } from './control.ts';
import { placeOf, startInBackground } from './background.ts';
import type { Launcher } from './background.ts';
import type { SyncRecord, SyncRecords } from './syncRecord.ts';

export interface SyncForUpOptions {
  readonly records: SyncRecords;
  /** Absolute. */
  readonly folder: string;
  /** The socket that leads to the engine. */
  readonly socketPath: string;
  /** The host whose link that is. */
  readonly host?: string;
  readonly launcher: Launcher;
  readonly signal: AbortSignal;
}

/** For `up` on another host: the folder's sync runs from now on, both sides are equal, and this is the folder there. */
export async function syncForUp(options: SyncForUpOptions): Promise<{ readonly remoteFolder: string; readonly record: SyncRecord; readonly status: ReportedStatus }> {
  const { records, folder, socketPath, host, launcher, signal } = options;
  const record = (await findSync(records, folder, socketPath)) ?? (await records.add({ local: folder, socketPath, ...(host === undefined ? {} : { host }), ignore: [], gitignore: true }));
  await startInBackground(records, record, launcher);
  const status = await askSync(placeOf(records, record), 'flush', signal);
  return { remoteFolder: status.remote ?? record.remote, record, status };
}

/** The sync of a folder with this engine's host. */
export async function findSync(records: SyncRecords, folder: string, socketPath: string): Promise<SyncRecord | undefined> {
  return (await records.list()).find((record) => record.local === folder && record.socketPath === socketPath);
}
