import { defineError } from '../../base/errors.ts';

/** The errors of the OCI distribution specification, by its codes. */
export const blobUnknown = defineError<{ digest: string }>('BLOB_UNKNOWN', 404, (p) => `blob unknown to registry: ${p.digest}`);
export const uploadUnknown = defineError<{ id: string }>('BLOB_UPLOAD_UNKNOWN', 404, (p) => `blob upload unknown to registry: ${p.id}`);
export const uploadInvalid = defineError<{ detail: string; at: number }>('BLOB_UPLOAD_INVALID', 416, (p) => `blob upload invalid: ${p.detail}`);
export const digestInvalid = defineError<{ detail: string }>('DIGEST_INVALID', 400, (p) => `provided digest did not match uploaded content: ${p.detail}`);
export const manifestBlobUnknown = defineError<{ digest: string }>('MANIFEST_BLOB_UNKNOWN', 404, (p) => `manifest references a manifest or blob unknown to registry: ${p.digest}`);
export const manifestInvalid = defineError<{ detail: string }>('MANIFEST_INVALID', 400, (p) => `manifest invalid: ${p.detail}`);
export const manifestTooLong = defineError<{ limit: number }>('MANIFEST_TOO_LONG', 413, (p) => `manifest too long: at most ${p.limit} bytes are taken`);
export const manifestUnknown = defineError<{ reference: string }>('MANIFEST_UNKNOWN', 404, (p) => `manifest unknown to registry: ${p.reference}`);
export const nameInvalid = defineError<{ name: string }>('NAME_INVALID', 400, (p) => `invalid repository name: ${p.name}`);
export const nameUnknown = defineError<{ name: string }>('NAME_UNKNOWN', 404, (p) => `repository name not known to registry: ${p.name}`);
export const unsupported = defineError<{ detail: string }>('UNSUPPORTED', 405, (p) => `the operation is unsupported: ${p.detail}`);
export const rangeInvalid = defineError<{ range: string; size: number }>('SIZE_INVALID', 416, (p) => `the range ${p.range} is not within ${p.size} bytes`);
