import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { endOfRecords, lineCount, tailOffset } from './containerLog.ts';
import type { LogFilter } from './containerLog.ts';
import { logFiles, openNextLogFile } from './containerLogFiles.ts';

const BLOCK = 256 * 1024;
const FIRST_TAIL = 64 * 1024;

/** A place in a log of several files. Begins before the oldest one. */
export class LogCursor implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  #inode: number | undefined;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Goes to where the last `count` lines begin, looking from the end. Only at the beginning. */
  async toTail(count: number, wanted: LogFilter): Promise<void> {
    let missing = count;
    for (const { path } of (await logFiles(this.#path)).reverse()) {
      const file = await open(path, 'r').catch(() => undefined);
      if (!file) continue; // rotated away at this very moment
      const place = await findTail(file, missing, wanted);
      await this.#file?.close();
      this.#file = file;
      this.#inode = (await file.stat()).ino;
      this.#offset = place.offset;
      missing -= place.lines;
      if (missing <= 0) return;
    }
  }

  /** Whole records as they are now, to the end of the last file; goes on there at the next call. */
  async *blocks(): AsyncGenerator<Buffer, void> {
    for (;;) {
      yield* this.#rest();
      const next = await openNextLogFile(this.#path, this.#inode);
      if (!next) return;
      yield* this.#rest(); // what was written between the last read and the change of files
      await this.#file?.close();
      this.#file = next.file;
      this.#inode = next.inode;
      this.#offset = 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async *#rest(): AsyncGenerator<Buffer, void> {
    while (this.#file) {
      const block = await readBlock(this.#file, this.#offset);
      if (block.length === 0) return;
      this.#offset += block.length;
      yield block;
    }
  }
}

/** Whole records from `offset`; empty at the end of the file. A record longer than a block is read whole. */
async function readBlock(file: FileHandle, offset: number): Promise<Buffer> {
  for (let size = BLOCK; ; size *= 2) {
    const buffer = Buffer.allocUnsafe(size);
    const { bytesRead } = await file.read(buffer, 0, size, offset);
    const whole = endOfRecords(buffer.subarray(0, bytesRead));
    if (whole > 0 || bytesRead < size) return buffer.subarray(0, whole);
  }
}

/** The offset from which the last `count` lines go on, or the file's beginning; and how many lines that is. Looks from the end in growing pieces. */
async function findTail(file: FileHandle, count: number, wanted: LogFilter): Promise<{ readonly offset: number; readonly lines: number }> {
  const { size } = await file.stat();
  if (count === 0) return { offset: size, lines: 0 };
  for (let length = FIRST_TAIL; ; length *= 4) {
    const begin = Math.max(0, size - length);
    const buffer = Buffer.allocUnsafe(size - begin);
    await file.read(buffer, 0, buffer.length, begin);
    const from = begin === 0 ? 0 : buffer.indexOf(10) + 1;
    const offset = tailOffset(buffer, from, count, wanted);
    if (offset !== undefined) return { offset: begin + offset, lines: count };
    if (begin === 0) return { offset: 0, lines: lineCount(buffer, 0, wanted) };
  }
}
