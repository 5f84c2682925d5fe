import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { archiveInvalid } from './errors.ts';

/*
 * A recipe replays a layer's tar, byte for byte, from the unpacked files: headers, padding and trailer are kept (they
 * compress to little), file contents are references. Records: kind (1 byte), length (8 bytes, little endian), then the
 * bytes themselves (kind 0) or, for `length` bytes of content, a path (kind 1: 2 bytes of length, UTF-8).
 */
const BYTES = 0;
const FILE = 1;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Collects a recipe while a tar goes by. */
export class RecipeWriter {
  readonly #parts: Buffer[] = [];
  #pending: Buffer[] = [];
  /** Bytes of the whole tar so far. */
  size = 0;

  bytes(data: Buffer): void {
    this.size += data.length;
    this.#pending.push(Buffer.from(data));
  }

  file(path: string, size: number): void {
    this.size += size;
    if (size === 0) return;
    this.#flush();
    const name = Buffer.from(path);
    const record = Buffer.alloc(11);
    record[0] = FILE;
    record.writeBigUInt64LE(BigInt(size), 1);
    record.writeUInt16LE(name.length, 9);
    this.#parts.push(record, name);
  }

  /** Writes the recipe, compressed, whole. */
  async save(path: string): Promise<void> {
    this.#flush();
    await writeFileAtomic(path, await compress(Buffer.concat(this.#parts)));
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const data = Buffer.concat(this.#pending);
    this.#pending = [];
    const record = Buffer.alloc(9);
    record[0] = BYTES;
    record.writeBigUInt64LE(BigInt(data.length), 1);
    this.#parts.push(record, data);
  }
}

/** The tar that a recipe describes, with file contents from `root`. Throws ARCHIVE_INVALID when a file is not what it was. */
export async function* replayRecipe(recipePath: string, root: string): AsyncGenerator<Buffer> {
  const recipe = await decompress(await readFile(recipePath));
  let at = 0;
  while (at < recipe.length) {
    const length = Number(recipe.readBigUInt64LE(at + 1));
    if (recipe[at] === BYTES) {
      yield recipe.subarray(at + 9, at + 9 + length);
      at += 9 + length;
    } else {
      const nameLength = recipe.readUInt16LE(at + 9);
      yield* content(root, recipe.toString('utf8', at + 11, at + 11 + nameLength), length);
      at += 11 + nameLength;
    }
  }
}

async function* content(root: string, path: string, size: number): AsyncGenerator<Buffer> {
  const file = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    let left = size;
    while (left > 0) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, 256 * 1024)), 0, Math.min(left, 256 * 1024));
      if (bytesRead === 0) throw archiveInvalid({ detail: `the layer's file ${path} is shorter than it was` });
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
