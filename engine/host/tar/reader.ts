import { Buffer } from 'node:buffer';
import { ByteReader } from './byteReader.ts';
import { BLOCK, paddingOf, storedSize } from './entry.ts';
import type { TarEntry } from './entry.ts';
import { archiveInvalid, archiveUnsupported } from './errors.ts';
import { isTarHeader, mergeHeader } from './header.ts';
import type { Extensions } from './header.ts';
import { collectPax, isSparse, sparseEntry } from './sparse.ts';

/** Bytes of the file that was named last, and where in it they are. */
export interface FileContent {
  readonly kind: 'content';
  readonly data: Buffer;
  readonly at: number;
}

/** What a tar stream consists of, in order: every byte of it appears in exactly one part. */
export type TarPart =
  | { readonly kind: 'entry'; readonly entry: TarEntry; /** The header blocks as they were, a sparse file's map with them. */ readonly raw: Buffer }
  | FileContent
  | { readonly kind: 'padding'; readonly data: Buffer }
  | { readonly kind: 'trailer'; readonly data: Buffer };

/** Longest extended header (names, attributes) that is believed, in bytes. */
const MAX_EXTENSION = 1024 * 1024;

/** Reads an uncompressed tar stream (ustar, GNU long names and sparse files, PAX). Throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarPart> {
  const reader = new ByteReader(source);
  try {
    for (;;) {
      const block = await reader.exactly(BLOCK);
      if (block === undefined) return;
      if (isZero(block)) {
        yield { kind: 'trailer', data: block };
        for await (const data of reader.rest()) yield { kind: 'trailer', data };
        return;
      }
      yield* readEntry(reader, block);
    }
  } finally {
    await reader.close();
  }
}

async function* readEntry(reader: ByteReader, first: Buffer): AsyncGenerator<TarPart> {
  const raw: Buffer[] = [];
  const extensions: Extensions = { pax: new Map(), longName: undefined, longLink: undefined };
  let block: Buffer = first;
  for (;;) {
    raw.push(block);
    if (!isTarHeader(block)) fail('the checksum of a header is wrong (is it a tar?)');
    const flag = String.fromCharCode(block[156] ?? 0);
    if (!'xgLK'.includes(flag) || flag === '\0') break;
    const body = await extension(reader, block, raw);
    if (flag === 'L') extensions.longName = body;
    else if (flag === 'K') extensions.longLink = body;
    else if (flag === 'x') collectPax(body, extensions.pax);
    // Global headers (flag g) are skipped, as Docker does: git archive writes a comment in one.
    block = (await reader.exactly(BLOCK)) ?? fail('it ends after an extended header');
  }
  const plain = mergeHeader(block, extensions);
  const entry = isSparse(block, extensions.pax) ? await sparseEntry(plain, block, extensions.pax, { reader, raw }) : plain;
  yield { kind: 'entry', entry, raw: Buffer.concat(raw) };
  for (const { at, length } of entry.segments ?? [{ at: 0, length: entry.size }]) yield* contentAt(reader, at, length);
  const padding = paddingOf(storedSize(entry));
  if (padding > 0) yield { kind: 'padding', data: (await reader.exactly(padding)) ?? fail('it ends within the padding of a file') };
}

async function* contentAt(reader: ByteReader, start: number, length: number): AsyncGenerator<FileContent> {
  let at = start;
  for await (const data of reader.pieces(length)) {
    yield { kind: 'content', data, at };
    at += data.length;
  }
}

/** The body of an extended header; header and padding go to `raw`. */
async function extension(reader: ByteReader, block: Buffer, raw: Buffer[]): Promise<Buffer> {
  const size = Number.parseInt(block.toString('latin1', 124, 136).replaceAll('\0', ' ').trim() || '0', 8);
  if (!Number.isInteger(size) || size < 0 || size > MAX_EXTENSION) throw archiveUnsupported({ path: 'extended header', detail: `is ${size} bytes long; at most ${MAX_EXTENSION} are accepted` });
  const whole = (await reader.exactly(size + paddingOf(size))) ?? fail('it ends within an extended header');
  raw.push(whole);
  return whole.subarray(0, size);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function fail(detail: string): never {
  throw archiveInvalid({ detail });
}
