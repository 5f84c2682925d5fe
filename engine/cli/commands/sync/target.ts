import { sep } from 'node:path';
import { defineError } from '../../../base/errors.ts';
import { findSync } from '../../../remote/sync/syncForUp.ts';
import type { SyncRecord, SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { folderPath } from '../container/reference.ts';

const noSuchSync = defineError<{ which: string }>('NO_SUCH_SYNC', 404, (p) => `There is no sync of ${p.which}. berth sync list shows those there are.`);

export interface SyncOptions {
  readonly ignore?: string[];
  readonly gitignore: boolean;
}

export interface SyncTarget {
  readonly local: string;
  readonly remote: string | undefined;
  readonly options: SyncOptions;
}

/** The sync of a folder: the one set up before, else a new one. Another remote folder or other rules are another sync. */
export async function obtainRecord(context: CliContext, records: SyncRecords, { local, remote, options }: SyncTarget): Promise<SyncRecord> {
  const folder = await folderPath(context, local);
  const { socketPath } = context.client;
  const known = await findSync(records, folder, socketPath);
  if (known && (remote === undefined || known.remote === remote)) {
    const sameRules = known.gitignore === options.gitignore && JSON.stringify(known.ignore) === JSON.stringify(options.ignore ?? []);
    if (sameRules || (options.ignore === undefined && options.gitignore)) return known;
  }
  return records.add({ local: folder, socketPath, ignore: options.ignore ?? [], gitignore: options.gitignore, ...(context.host === undefined ? {} : { host: context.host }), ...(remote === undefined ? {} : { remote }) });
}

/** The sync that a folder, an id or the current folder means. Throws NO_SUCH_SYNC. */
export async function findRecord(context: CliContext, records: SyncRecords, which: string | undefined): Promise<SyncRecord> {
  const all = await records.list();
  const folder = await folderPath(context, which ?? '.');
  const around = all.filter(({ local }) => folder === local || folder.startsWith(local + sep)).sort((a, b) => b.local.length - a.local.length || b.created.localeCompare(a.created));
  const byId = which === undefined || which.length < 4 ? [] : all.filter(({ id }) => id.startsWith(which));
  const found = byId[0] ?? around[0];
  if (found === undefined) throw noSuchSync({ which: which ?? folder });
  return found;
}
