import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { isTarHeader } from '../host/tar/header.ts';
import type { TarEntry } from '../host/tar/entry.ts';
import { readTar } from '../host/tar/reader.ts';
import type { FileContent } from '../host/tar/reader.ts';

/** One file of an archive; its content can be read once, before the next member is asked for. */
export interface ArchiveMember {
  readonly entry: TarEntry;
  readonly body: AsyncGenerator<Buffer>;
}

/** The members of an archive as they go by. What a consumer does not read of a member is skipped. */
export async function* archiveMembers(source: AsyncIterable<Buffer>): AsyncGenerator<ArchiveMember> {
  const parts = readTar(source);
  let next = await parts.next();
  const content = async function* (): AsyncGenerator<FileContent> {
    for (next = await parts.next(); !next.done && next.value.kind === 'content'; next = await parts.next()) yield next.value;
  };
  try {
    while (!next.done) {
      if (next.value.kind !== 'entry') {
        next = await parts.next();
        continue;
      }
      const rest = content();
      const body = withoutHoles(rest, next.value.entry.size);
      yield { entry: next.value.entry, body };
      await body.return(undefined); // what was asked for and has not come yet comes first
      for await (const part of rest) void part;
    }
  } finally {
    await parts.return(undefined);
  }
}

const ZEROS = Buffer.alloc(256 * 1024);

/** The content of a file of `size` bytes, with zeros where a sparse one has holes. Leaves the rest to others when it is ended. */
async function* withoutHoles(content: AsyncGenerator<FileContent>, size: number): AsyncGenerator<Buffer> {
  let at = 0;
  const holeUpTo = function* (end: number): Generator<Buffer> {
    for (; at < end; at += ZEROS.length) yield ZEROS.subarray(0, Math.min(ZEROS.length, end - at));
    at = end;
  };
  for (let next = await content.next(); next.done !== true; next = await content.next()) {
    yield* holeUpTo(next.value.at);
    at += next.value.data.length;
    yield next.value.data;
  }
  yield* holeUpTo(size);
}

export type ContentKind = 'document' | 'layer' | 'other';

/** What a member is by its first bytes, and its content whole again. */
export async function sniff(body: AsyncGenerator<Buffer>, size: number): Promise<{ kind: ContentKind; content: Readable }> {
  const head: Buffer[] = [];
  for (let have = 0; have < Math.min(size, 512); ) {
    const next = await body.next();
    if (next.done === true) break;
    head.push(next.value);
    have += next.value.length;
  }
  const first = Buffer.concat(head);
  return { kind: kindOf(first, size), content: Readable.from(prepended(first, body), { objectMode: false, highWaterMark: 1024 * 1024 }) };
}

async function* prepended(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** An empty layer is nothing but zeros. */
function kindOf(head: Buffer, size: number): ContentKind {
  const block = head.subarray(0, 512);
  if (/^\s*[{[]/.test(block.toString('latin1'))) return 'document';
  if (['1f8b', '28b52ffd', '425a68', 'fd377a585a00'].some((magic) => block.toString('hex').startsWith(magic))) return 'layer';
  return block.length === 512 && size % 512 === 0 && (isTarHeader(block) || block.every((byte) => byte === 0)) ? 'layer' : 'other';
}
