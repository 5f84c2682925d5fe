import { setTimeout as delay } from 'node:timers/promises';
import { placeOf, startInBackground } from '../../../remote/sync/background.ts';
import type { Launcher } from '../../../remote/sync/background.ts';
import { askSync } from '../../../remote/sync/control.ts';
import type { SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { describeStatus } from './status.ts';
import { obtainRecord } from './target.ts';
import type { SyncOptions, SyncTarget } from './target.ts';

export interface StartOptions extends SyncOptions {
  readonly untilEqual: boolean;
}

/** `berth sync start`: returns when the host was reached, or says why it was not. */
export async function startSync(context: CliContext, records: SyncRecords, launcher: Launcher, target: SyncTarget & { readonly options: StartOptions }): Promise<void> {
  // Whatever keeps the engine from starting is better said here than in a log.
  await context.engine();
  const record = await obtainRecord(context, records, target);
  let status = await startInBackground(records, record, launcher);
  while (status.state === 'connecting' || (status.state === 'disconnected' && status.detail === undefined)) {
    await delay(50, undefined, { signal: context.signal });
    status = await askSync(placeOf(records, record), 'status', context.signal);
  }
  if (target.options.untilEqual && status.state !== 'halted') {
    status = await askSync(placeOf(records, record), 'flush', context.signal);
    context.stdout.write(`${status.remote ?? record.remote}\n`);
    return;
  }
  context.stdout.write(`${describeStatus(record, status)}\n`);
  if (status.state === 'halted') context.setExitStatus(1);
}
