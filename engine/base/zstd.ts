import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

// Looked up at each call, never at import: a Node without zstd must still load the command line, which then hands over to a newer one.

export function packZstd(bytes: Buffer): Promise<Buffer> {
  return promisify(zlib.zstdCompress)(bytes);
}

/** Rejects with zlib's error when `bytes` are not zstd, or unpack to more than `maxOutputLength` bytes. */
export function unpackZstd(bytes: Buffer, maxOutputLength?: number): Promise<Buffer> {
  return promisify(zlib.zstdDecompress)(bytes, maxOutputLength === undefined ? {} : { maxOutputLength });
}
