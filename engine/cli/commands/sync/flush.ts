import { placeOf } from '../../../remote/sync/background.ts';
import { askSync } from '../../../remote/sync/control.ts';
import type { SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { describeStatus } from './status.ts';
import { findRecord } from './target.ts';

/** `berth sync flush`: status 1 when something could not be made equal. */
export async function flushSync(context: CliContext, records: SyncRecords, which: string | undefined): Promise<void> {
  const record = await findRecord(context, records, which);
  const status = await askSync(placeOf(records, record), 'flush', context.signal);
  if (status.problems.length === 0) return;
  context.stderr.write(`${describeStatus(record, status)}\n`);
  context.setExitStatus(1);
}
