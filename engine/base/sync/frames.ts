import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { syncPeerInvalid } from './errors.ts';

/** What travels: a kind, a length, and that many bytes, compressed by zstd. */
export type Frame = { readonly kind: 'message'; readonly value: unknown } | { readonly kind: 'data'; readonly data: Buffer } | { readonly kind: 'end' };

const KINDS = { message: 1, data: 2, end: 3 } as const;
const HEAD = 5;
/** Compressed, and what comes out of it: about a million entries in one message. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_UNPACKED = 256 * 1024 * 1024;
/** A chunk of content unpacked is never larger. */
const MOST_DATA = 8 * 1024 * 1024;

export function encodeFrame(frame: Frame): Buffer {
  const raw = frame.kind === 'message' ? Buffer.from(JSON.stringify(frame.value)) : frame.kind === 'data' ? frame.data : Buffer.alloc(0);
  const body = frame.kind === 'end' ? raw : zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  if (body.length > MOST_BYTES) throw syncPeerInvalid({ what: 'A message', detail: `it has ${body.length} bytes, more than can be sent at once` });
  const head = Buffer.alloc(HEAD);
  head.writeUInt8(KINDS[frame.kind], 0);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Writes a frame and waits until the stream has room again; fails when it is gone. */
export async function writeFrame(stream: Writable, frame: Frame): Promise<void> {
  if (stream.destroyed || stream.writableEnded) throw carrierGone();
  if (stream.write(encodeFrame(frame))) return;
  const closed = new AbortController();
  const gone = (): void => closed.abort();
  stream.once('close', gone);
  try {
    await once(stream, 'drain', { signal: closed.signal });
  } catch (error) {
    throw carrierGone(error);
  } finally {
    stream.off('close', gone);
  }
}

export class CarrierLost extends Error {
  override readonly name = 'CarrierLost';
}

export function carrierGone(cause?: unknown): CarrierLost {
  return new CarrierLost('The connection that carried the sync was lost', { cause });
}

/** The frames of a stream, until it ends. Throws SYNC_PEER_INVALID and CarrierLost. */
export async function* readFrames(stream: Readable): AsyncGenerator<Frame> {
  const parts: Buffer[] = [];
  let held = 0;
  let wanted = HEAD;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      parts.push(chunk);
      held += chunk.length;
      while (held >= wanted) {
        const all = parts.length === 1 ? (parts[0] ?? chunk) : Buffer.concat(parts);
        const length = HEAD + lengthOf(all);
        if (all.length >= length) yield decode(all.readUInt8(0), all.subarray(HEAD, length));
        const rest = all.length >= length ? all.subarray(length) : all;
        parts.splice(0, parts.length, rest);
        held = rest.length;
        wanted = all.length >= length ? HEAD : length;
      }
    }
  } catch (error) {
    throw syncPeerInvalid.is(error) ? error : carrierGone(error);
  }
  if (held > 0) throw carrierGone();
}

function lengthOf(head: Buffer): number {
  const length = head.readUInt32BE(1);
  if (length > MOST_BYTES) throw syncPeerInvalid({ what: 'A message', detail: `it announces ${length} bytes` });
  return length;
}

function decode(kind: number, body: Buffer): Frame {
  if (kind === KINDS.end) return { kind: 'end' };
  if (kind !== KINDS.message && kind !== KINDS.data) throw syncPeerInvalid({ what: 'A message', detail: `it is of the unknown kind ${kind}` });
  try {
    const raw = zstdDecompressSync(body, { maxOutputLength: kind === KINDS.data ? MOST_DATA : MOST_UNPACKED });
    return kind === KINDS.data ? { kind: 'data', data: raw } : { kind: 'message', value: JSON.parse(raw.toString('utf8')) as unknown };
  } catch (error) {
    throw syncPeerInvalid({ what: 'A message', detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}
