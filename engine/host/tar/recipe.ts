import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import type { Segment } from './entry.ts';
import { archiveInvalid, archiveUnsupported } from './errors.ts';
import { shownPath } from './shownPath.ts';
import { packZstd, unpackZstd } from '../../base/zstd.ts';

/*
 * A recipe replays a layer's tar, byte for byte, from the unpacked files: headers, padding and trailer are kept (they
 * compress to little), file contents are references. Records: kind (1 byte), length (8 bytes, little endian), then the
 * bytes themselves (BYTES) or, for `length` bytes of content, a path (2 bytes of length, then the path): below the root
 * (FILE), or in the folder of contents that the archive itself replaced by later ones (REPLACED). Of a sparse file (SPARSE more)
 * the archive has runs only: their number (4 bytes) follows, then place and length (8 bytes each) of every one.
 */
const BYTES = 0;
const FILE = 1;
const REPLACED = 2;
const SPARSE = 2;
const RUN_BYTES = 16;

/** Bytes that are kept in memory until a layer is unpacked. */
const MOST_HELD = 1024 * 1024 * 1024;

/** Content of a file that a recipe refers to. */
export interface ContentReference {
  kind: typeof FILE | typeof REPLACED;
  path: string;
  readonly size: number;
  readonly segments: readonly Segment[] | undefined;
}

/** Collects a recipe while a tar goes by. */
export class RecipeWriter {
  readonly #records: Array<Buffer | ContentReference> = [];
  #pending: Buffer[] = [];
  #held = 0;
  /** Bytes of the whole tar so far. */
  size = 0;

  /** Throws ARCHIVE_UNSUPPORTED for an archive with more than a gigabyte of anything but content: compressed it may have come as a few kilobytes. */
  bytes(data: Buffer): void {
    this.size += data.length;
    this.#held += data.length;
    if (this.#held > MOST_HELD) throw archiveUnsupported({ path: 'the archive', detail: `has more than ${MOST_HELD} bytes of headers and padding` });
    this.#pending.push(Buffer.from(data));
  }

  /** `size` bytes (more than none) that are the content of the file at `path`: all of it, or these runs. */
  content(path: string, size: number, segments?: readonly Segment[]): ContentReference {
    this.size += size;
    this.#flush();
    const reference: ContentReference = { kind: FILE, path, size, segments };
    this.#records.push(reference);
    return reference;
  }

  /** The content is not at its path any more, but in the folder of replaced ones. */
  moveToReplaced(reference: ContentReference, name: string): void {
    reference.kind = REPLACED;
    reference.path = name;
  }

  /** Writes the recipe, compressed, whole. */
  async save(path: string): Promise<void> {
    this.#flush();
    await writeFileAtomic(path, await packZstd(Buffer.concat(this.#records.flatMap(encodeRecord))));
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    this.#records.push(Buffer.concat(this.#pending));
    this.#pending = [];
  }
}

function encodeRecord(record: Buffer | ContentReference): Buffer[] {
  if (Buffer.isBuffer(record)) {
    const head = Buffer.alloc(9, BYTES);
    head.writeBigUInt64LE(BigInt(record.length), 1);
    return [head, record];
  }
  const name = Buffer.from(record.path, 'latin1');
  const head = Buffer.alloc(11);
  head[0] = record.kind + (record.segments ? SPARSE : 0);
  head.writeBigUInt64LE(BigInt(record.size), 1);
  head.writeUInt16LE(name.length, 9);
  return record.segments ? [head, name, encodeRuns(record.segments)] : [head, name];
}

function encodeRuns(segments: readonly Segment[]): Buffer {
  const runs = Buffer.alloc(4 + segments.length * RUN_BYTES);
  runs.writeUInt32LE(segments.length, 0);
  for (const [index, { at, length }] of segments.entries()) {
    runs.writeBigUInt64LE(BigInt(at), 4 + index * RUN_BYTES);
    runs.writeBigUInt64LE(BigInt(length), 12 + index * RUN_BYTES);
  }
  return runs;
}

/** Bytes as they are, or where `size` bytes are found. */
type RecipeRecord = Buffer | { readonly isReplaced: boolean; readonly name: Buffer; readonly size: number; readonly segments: Iterable<Segment> };

function* records(recipe: Buffer): Generator<RecipeRecord> {
  for (let at = 0; at < recipe.length; ) {
    const kind = recipe[at] ?? BYTES;
    const size = Number(recipe.readBigUInt64LE(at + 1));
    if (kind === BYTES) {
      yield recipe.subarray(at + 9, at + 9 + size);
      at += 9 + size;
      continue;
    }
    const end = at + 11 + recipe.readUInt16LE(at + 9);
    const runs = kind > SPARSE ? recipe.subarray(end + 4, end + 4 + recipe.readUInt32LE(end) * RUN_BYTES) : undefined;
    yield { isReplaced: kind === REPLACED || kind === REPLACED + SPARSE, name: recipe.subarray(at + 11, end), size, segments: runs ? decodeRuns(runs) : [{ at: 0, length: size }] };
    at = runs ? end + 4 + runs.length : end;
  }
}

function* decodeRuns(runs: Buffer): Generator<Segment> {
  for (let at = 0; at < runs.length; at += RUN_BYTES) yield { at: Number(runs.readBigUInt64LE(at)), length: Number(runs.readBigUInt64LE(at + 8)) };
}

/** The tar that a recipe describes, with file contents from `root`, or from `replaced`. Throws ARCHIVE_INVALID when a file is not what it was. */
export async function* replayRecipe(recipePath: string, root: string, replaced: string): AsyncGenerator<Buffer> {
  for (const record of records(await unpackZstd(await readFile(recipePath)))) {
    if (Buffer.isBuffer(record)) yield record;
    else yield* content(record.isReplaced ? replaced : root, record.name, record.segments);
  }
}

const PIECE = 256 * 1024;
const ZEROS = Buffer.alloc(PIECE);

/** The tar that a recipe describes, with zeros for the contents: for who wants to know what is in it. Reads no file but the recipe. */
export async function* replayHeaders(recipePath: string): AsyncGenerator<Buffer> {
  for (const record of records(await unpackZstd(await readFile(recipePath)))) {
    if (Buffer.isBuffer(record)) yield record;
    else for (let left = record.size; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}

async function* content(root: string, name: Buffer, segments: Iterable<Segment>): AsyncGenerator<Buffer> {
  const file = await open(Buffer.concat([Buffer.from(`${root}/`), name]), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (const { at: start, length } of segments) {
      for (let at = start; at < start + length; ) {
        const wanted = Math.min(start + length - at, PIECE);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
        if (bytesRead === 0) throw archiveInvalid({ detail: `the layer's file ${shownPath(name.toString('latin1'))} is shorter than it was` });
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    }
  } finally {
    await file.close();
  }
}
