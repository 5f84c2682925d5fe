import { setTimeout as delay } from 'node:timers/promises';
import { defineError } from '../../../base/errors.ts';
import { placeOf, stopInBackground } from '../../../remote/sync/background.ts';
import type { ControlPlace } from '../../../remote/sync/control.ts';
import { askSync, syncNotRunning } from '../../../remote/sync/control.ts';
import { SyncRecords, syncStateFolder } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';

const syncNotEqual = defineError<{ folder: string; host: string; detail: string }>('SYNC_NOT_EQUAL', 409, (p) => `${p.folder} and its copy on ${p.host} are not equal: ${p.detail}. See berth sync status ${p.folder}; or go on with --force, and what changed only there is lost. Nothing was removed.`);

const FLUSH_MS = 120_000;

/** Before a host is purged: what changed there in folders that this machine keeps equal comes home, and their syncs are over. Throws SYNC_NOT_EQUAL, unless `force`. */
export async function endSyncs(context: CliContext, host: string, force: boolean): Promise<void> {
  const records = new SyncRecords(syncStateFolder(context.env));
  const ours = (await records.list()).filter((record) => record.host === host);
  for (const record of ours) {
    const detail = force ? undefined : await whatIsMissing(placeOf(records, record), context.signal);
    if (detail !== undefined) throw syncNotEqual({ folder: record.local, host, detail });
  }
  for (const record of ours) {
    await stopInBackground(placeOf(records, record));
    await records.remove(record.id);
    context.stderr.write(`${host}: the sync of ${record.local} is over; the folder stays as it is\n`);
  }
}

/** `undefined`: both sides are equal, or nothing syncs them now. */
async function whatIsMissing(place: ControlPlace, signal: AbortSignal): Promise<string | undefined> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(FLUSH_MS)]);
  try {
    let status = await askSync(place, 'status', late);
    while (status.state === 'connecting') {
      await delay(50, undefined, { signal: late });
      status = await askSync(place, 'status', late);
    }
    if (status.state === 'halted' || status.state === 'disconnected') return status.detail ?? 'the connection is lost';
    const { pending } = await askSync(place, 'flush', late);
    return pending > 0 ? `${pending} changes are on their way` : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (syncNotRunning.is(error)) return undefined;
    return late.aborted ? 'it takes too long' : error instanceof Error ? error.message : String(error);
  }
}
