import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { PassThrough, pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { archiveInvalid, archiveUnsupported } from './errors.ts';

/** A stream with gzip or zstd taken off, by its first bytes; anything else is passed on as it is. Damage shows as ARCHIVE_INVALID. */
export async function decompressed(source: Readable): Promise<AsyncIterable<Buffer>> {
  const head = await firstBytes(source);
  const decoder = decoderFor(head);
  pipeline(source, decoder, () => undefined); // errors reach whoever reads the decoder
  return codedErrors(decoder);
}

async function firstBytes(source: Readable): Promise<Buffer> {
  for (;;) {
    const chunk = source.read() as Buffer | null;
    if (chunk !== null) {
      source.unshift(chunk);
      return chunk.subarray(0, 6);
    }
    if (source.readableEnded || source.destroyed) return Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      source.once('readable', resolve);
      source.once('end', resolve);
      source.once('error', reject);
    });
    if (source.readableLength === 0 && source.readableEnded) return Buffer.alloc(0);
  }
}

/** Bytes that a decoder gives at a time: each turn goes through another thread and back. */
const CHUNK = 256 * 1024;

function decoderFor(head: Buffer): PassThrough | ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress> {
  const magic = head.toString('hex');
  if (magic.startsWith('1f8b')) return createGunzip({ chunkSize: CHUNK });
  if (magic.startsWith('28b52ffd')) return createZstdDecompress({ chunkSize: CHUNK });
  if (magic.startsWith('425a68')) throw archiveUnsupported({ path: 'the stream', detail: 'is compressed with bzip2. Use gzip or zstd' });
  if (magic.startsWith('fd377a585a00')) throw archiveUnsupported({ path: 'the stream', detail: 'is compressed with xz. Use gzip or zstd' });
  return new PassThrough({ highWaterMark: 1024 * 1024 });
}

async function* codedErrors(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('Z_') || code.startsWith('ZSTD_')) throw archiveInvalid({ detail: `its compression is broken (${code})` }, { cause: error });
    throw error;
  }
}
