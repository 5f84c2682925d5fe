import { watch } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { systemCode } from '../base/errors.ts';
import { LogDecoder, endOfRecords, tailOffset } from './containerLog.ts';
import type { LogFilter, LogPiece } from './containerLog.ts';

export interface ReadLogOptions extends LogFilter {
  /** Lines from the end; `undefined`: all. */
  readonly tail?: number;
  /** Wait for more until `ended` resolves. */
  readonly follow: boolean;
  readonly ended: Promise<unknown>;
  readonly signal: AbortSignal;
}

const BLOCK = 256 * 1024;
const FIRST_TAIL = 64 * 1024;

/** What a container wrote, from its log file; with `follow` as it comes, without polling. A log begun anew (rotated) is followed into its new file. */
export async function* readContainerLog(path: string, options: ReadLogOptions): AsyncGenerator<LogPiece, void> {
  const file = await openLog(path);
  if (!file) return;
  const decoder = new LogDecoder(options);
  const wake = options.follow ? new Wake(path, options) : undefined;
  try {
    let offset = options.tail === undefined ? 0 : await findTail(file, options.tail, options);
    for (;;) {
      const last = wake?.over ?? true; // looked at before reading: what was written until then is read below
      wake?.clear();
      for (;;) {
        const block = await readBlock(file, offset);
        if (block.length === 0) break;
        offset += block.length;
        yield* decoder.decode(block);
        if (decoder.done || options.signal.aborted) return;
      }
      if (await replaced(file, path)) return yield* readContainerLog(path, withoutTail(options));
      if (last || !wake) return;
      await wake.next();
    }
  } finally {
    wake?.close();
    await file.close();
  }
}

function withoutTail({ stdout, stderr, timestamps, since, until, follow, ended, signal }: ReadLogOptions): ReadLogOptions {
  return { stdout, stderr, timestamps, follow, ended, signal, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined; // never started
    throw error;
  }
}

async function replaced(file: FileHandle, path: string): Promise<boolean> {
  const [ours, now] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return now !== undefined && now.ino !== ours.ino;
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

/** The offset from which the last `count` lines go on; looks from the end in growing pieces. */
async function findTail(file: FileHandle, count: number, wanted: LogFilter): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  for (let length = FIRST_TAIL; ; length *= 4) {
    const begin = Math.max(0, size - length);
    const buffer = Buffer.allocUnsafe(size - begin);
    await file.read(buffer, 0, buffer.length, begin);
    const from = begin === 0 ? 0 : buffer.indexOf(10) + 1;
    const offset = tailOffset(buffer, from, count, wanted);
    if (offset !== undefined) return begin + offset;
    if (begin === 0) return 0;
  }
}

/** Resolves `next` when the file changed, the writer ended, or the reader left. */
class Wake {
  readonly #watcher: ReturnType<typeof watch>;
  #pending = true;
  #resolve: () => void = () => undefined;
  over = false;

  constructor(path: string, { ended, signal }: ReadLogOptions) {
    this.#watcher = watch(path, () => this.#ring());
    this.#watcher.on('error', () => this.#finish());
    const finish = (): void => this.#finish();
    ended.then(finish, finish);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) this.over = true;
  }

  clear(): void {
    this.#pending = false;
  }

  next(): Promise<void> {
    if (this.#pending || this.over) return Promise.resolve();
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  close(): void {
    this.#watcher.close();
  }

  #finish(): void {
    this.over = true;
    this.#ring();
  }

  #ring(): void {
    this.#pending = true;
    this.#resolve();
  }
}
