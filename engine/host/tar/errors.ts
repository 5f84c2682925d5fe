import { defineError } from '../../base/errors.ts';

export const archiveInvalid = defineError<{ detail: string }>('ARCHIVE_INVALID', 400, (p) => `The archive is damaged: ${p.detail}. Get it again.`);
export const archiveEscapes = defineError<{ path: string; detail: string }>('ARCHIVE_ESCAPES', 400, (p) => `The archive was refused: "${p.path}" ${p.detail}. Nothing of it was kept.`);
export const archiveUnsupported = defineError<{ path: string; detail: string }>('ARCHIVE_UNSUPPORTED', 400, (p) => `The archive cannot be read: "${p.path}" ${p.detail}`);
export const layerNotWritten = defineError<{ path: string; detail: string }>('LAYER_NOT_WRITTEN', 500, (p) => `"${p.path}" of a layer could not be written: ${p.detail}. Nothing of the layer was kept.`);
