import type { SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { statusOf } from './status.ts';

/** `berth sync list`. */
export async function listSyncs(context: CliContext, records: SyncRecords, json: boolean): Promise<void> {
  const all = await Promise.all((await records.list()).map(async (record) => ({ record, status: await statusOf(records, record) })));
  if (json) {
    context.stdout.write(`${JSON.stringify(all.map(({ record, status }) => ({ ...record, status: status ?? null })))}\n`);
    return;
  }
  const rows = all.map(({ record, status }) => [record.id.slice(0, 8), record.local, status?.remote ?? record.remote, status?.state ?? 'not running', String(status?.conflicts.length ?? 0), String(status?.problems.length ?? 0)]);
  context.stdout.write(formatTable(['ID', 'LOCAL', 'REMOTE', 'STATE', 'CONFLICTS', 'PROBLEMS'], rows));
}
