import { defineError } from '../errors.ts';

export const syncPeerInvalid = defineError<{ what: string; detail: string }>('SYNC_PEER_INVALID', 400, (p) => `What the other side of the sync sent cannot be used. ${p.what}: ${p.detail}. Nothing was changed because of it.`);
export const syncRootUnusable = defineError<{ path: string; detail: string }>('SYNC_ROOT_UNUSABLE', 400, (p) => `The folder ${p.path} cannot be synced: ${p.detail}.`);
export const syncRootEmptied = defineError<{ path: string; side: string; count: number }>('SYNC_ROOT_EMPTIED', 409, (p) => `${p.path} on ${p.side} is empty, but held ${p.count} entries when both sides were last equal. Nothing was removed on the other side. Bring the files back, or stop this sync and start a new one.`);
