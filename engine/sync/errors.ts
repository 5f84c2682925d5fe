import { defineError } from '../base/errors.ts';

export const syncFolderRefused = defineError<{ path: string; detail: string }>('SYNC_FOLDER_REFUSED', 400, (p) => `${p.path} cannot be a synced folder: ${p.detail}. Choose another folder on the host.`);
export const cloneUrlInvalid = defineError<{ url: string; detail: string }>('CLONE_URL_INVALID', 400, (p) => `${p.url} cannot be cloned: ${p.detail}. Use an https://, ssh:// or git:// address, or user@host:path.`);
export const cloneTargetInvalid = defineError<{ folder: string; detail: string }>('CLONE_TARGET_INVALID', 409, (p) => `Nothing can be cloned to ${p.folder}: ${p.detail}. Name another folder.`);
export const cloneFailed = defineError<{ url: string; status: number; detail: string }>('CLONE_FAILED', 502, (p) => `git could not clone ${p.url} (status ${p.status}): ${p.detail}`);
