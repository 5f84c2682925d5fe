import { placeOf, stopInBackground } from '../../../remote/sync/background.ts';
import type { SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { findRecord } from './target.ts';

/** `berth sync stop`. */
export async function stopSync(context: CliContext, records: SyncRecords, which: string | undefined, forget: boolean): Promise<void> {
  const record = await findRecord(context, records, which);
  const ran = await stopInBackground(placeOf(records, record));
  if (forget) {
    // Only what a running engine learnt: none is started for that.
    await context.client.send('DELETE', `/berth/v1/syncs/${record.id}`).catch(() => undefined);
    await records.remove(record.id);
  }
  context.stdout.write(`${ran ? 'Stopped' : 'Was not running'}: ${record.local}${forget ? ', and forgotten' : ''}. Both folders stay as they are.\n`);
}
