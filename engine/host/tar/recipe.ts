import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { archiveInvalid, archiveUnsupported } from './errors.ts';
import { shownPath } from './shownPath.ts';
import { packZstd, unpackZstd } from '../../base/zstd.ts';

/*
 * A recipe replays a layer's tar, byte for byte, from the unpacked files: headers, padding and trailer are kept (they
 * compress to little), file contents are references. Records: kind (1 byte), length (8 bytes, little endian), then the
 * bytes themselves (BYTES) or, for `length` bytes of content, a path (2 bytes of length, then the path): below the root
 * (FILE), or in the folder of contents that the archive itself replaced by later ones (REPLACED).
 */
const BYTES = 0;
const FILE = 1;
const REPLACED = 2;

/** Bytes that are kept in memory until a layer is unpacked. */
const MOST_HELD = 1024 * 1024 * 1024;


/** Content of a file that a recipe refers to. */
export interface ContentReference {
  kind: typeof FILE | typeof REPLACED;
  path: string;
  readonly size: number;
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

  /** `size` bytes (more than none) that are the content of the file at `path`. */
  content(path: string, size: number): ContentReference {
    this.size += size;
    this.#flush();
    const reference: ContentReference = { kind: FILE, path, size };
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
  head[0] = record.kind;
  head.writeBigUInt64LE(BigInt(record.size), 1);
  head.writeUInt16LE(name.length, 9);
  return [head, name];
}

/** The tar that a recipe describes, with file contents from `root`, or from `replaced`. Throws ARCHIVE_INVALID when a file is not what it was. */
export async function* replayRecipe(recipePath: string, root: string, replaced: string): AsyncGenerator<Buffer> {
  const recipe = await unpackZstd(await readFile(recipePath));
  let at = 0;
  while (at < recipe.length) {
    const kind = recipe[at];
    const length = Number(recipe.readBigUInt64LE(at + 1));
    if (kind === BYTES) {
      yield recipe.subarray(at + 9, at + 9 + length);
      at += 9 + length;
    } else {
      const nameLength = recipe.readUInt16LE(at + 9);
      yield* content(kind === REPLACED ? replaced : root, recipe.subarray(at + 11, at + 11 + nameLength), length);
      at += 11 + nameLength;
    }
  }
}

const ZEROS = Buffer.alloc(256 * 1024);

/** The tar that a recipe describes, with zeros for the contents: for who wants to know what is in it. Reads no file but the recipe. */
export async function* replayHeaders(recipePath: string): AsyncGenerator<Buffer> {
  const recipe = await unpackZstd(await readFile(recipePath));
  for (let at = 0; at < recipe.length; ) {
    const length = Number(recipe.readBigUInt64LE(at + 1));
    if (recipe[at] === BYTES) {
      yield recipe.subarray(at + 9, at + 9 + length);
      at += 9 + length;
    } else {
      for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
      at += 11 + recipe.readUInt16LE(at + 9);
    }
  }
}

async function* content(root: string, name: Buffer, size: number): AsyncGenerator<Buffer> {
  const file = await open(Buffer.concat([Buffer.from(`${root}/`), name]), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    let left = size;
    while (left > 0) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, 256 * 1024)), 0, Math.min(left, 256 * 1024));
      if (bytesRead === 0) throw archiveInvalid({ detail: `the layer's file ${shownPath(name.toString('latin1'))} is shorter than it was` });
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
