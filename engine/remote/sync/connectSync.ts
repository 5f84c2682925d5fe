import type { Duplex } from 'node:stream';
import type { ApiClient } from '../../api/client.ts';
import type { SyncRecord } from './syncRecord.ts';

/** A stream to a sync's folder on the host of this engine. */
export async function connectSync(client: ApiClient, { id, remote }: Pick<SyncRecord, 'id' | 'remote'>, signal: AbortSignal): Promise<Duplex> {
  return (await client.hijack('POST', `/berth/v1/syncs/${id}/connect`, { json: { folder: remote }, signal })).socket;
}
