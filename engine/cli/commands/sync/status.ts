import { placeOf } from '../../../remote/sync/background.ts';
import { askSync, syncNotRunning } from '../../../remote/sync/control.ts';
import type { ReportedStatus } from '../../../remote/sync/control.ts';
import type { SyncRecord, SyncRecords } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { findRecord } from './target.ts';

const MOST_LINES = 20;

/** How a sync is, if it runs. */
export async function statusOf(records: SyncRecords, record: SyncRecord): Promise<ReportedStatus | undefined> {
  try {
    return await askSync(placeOf(records, record), 'status');
  } catch (error) {
    if (syncNotRunning.is(error)) return undefined;
    throw error;
  }
}

/** `berth sync status`; status 3: it does not run. */
export async function showSync(context: CliContext, records: SyncRecords, which: string | undefined, json: boolean): Promise<void> {
  const record = await findRecord(context, records, which);
  const status = await statusOf(records, record);
  context.stdout.write(`${json ? JSON.stringify({ ...record, status: status ?? null }) : describeStatus(record, status)}\n`);
  if (status === undefined) context.setExitStatus(3);
}

const STATES: Readonly<Record<ReportedStatus['state'], string>> = { connecting: 'connecting', working: 'working', watching: 'in sync', disconnected: 'the connection is lost; trying again', halted: 'halted', closed: 'stopped' };

export function describeStatus(record: SyncRecord, status: ReportedStatus | undefined): string {
  const head = `${record.id.slice(0, 8)}  ${record.local} <-> ${status?.remote ?? record.remote}`;
  if (status === undefined) return `${head}\n  not running: berth sync start ${record.local}`;
  const lines = [head, `  ${STATES[status.state]}${status.detail === undefined ? '' : `: ${status.detail}`}`];
  if (status.pending > 0) lines.push(`  ${status.pending} to do`);
  for (const { path, copy } of status.conflicts.slice(-MOST_LINES)) lines.push(`  conflict: both sides changed ${path}; the other version is ${copy}`);
  for (const { path, side, detail } of status.problems.slice(0, MOST_LINES)) lines.push(`  not synced: ${path} (${side}): ${detail}`);
  if (status.problems.length > MOST_LINES) lines.push(`  … and ${status.problems.length - MOST_LINES} more`);
  return lines.join('\n');
}
