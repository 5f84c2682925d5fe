import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { LogDecoder } from './containerLog.ts';
import type { LogFilter, LogPiece } from './containerLog.ts';
import { LogCursor } from './containerLogCursor.ts';

export interface ReadLogOptions extends LogFilter {
  /** Lines from the end; `undefined`: all. */
  readonly tail?: number;
  /** Wait for more until `ended` resolves. */
  readonly follow: boolean;
  readonly ended: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** What a container wrote, from its log files, the oldest first; with `follow` as it comes, without polling, on from each file to the next. */
export async function* readContainerLog(path: string, options: ReadLogOptions): AsyncGenerator<LogPiece, void> {
  const decoder = new LogDecoder(options);
  const wake = options.follow ? new Wake(path, options) : undefined;
  await using cursor = new LogCursor(path);
  try {
    if (options.tail !== undefined) await cursor.toTail(options.tail, options);
    for (;;) {
      const last = wake?.over ?? true; // looked at before reading: what was written until then is read below
      wake?.clear();
      for await (const block of cursor.blocks()) {
        yield* decoder.decode(block);
        if (decoder.done || options.signal.aborted) return;
      }
      if (last || !wake) return;
      await wake.next();
    }
  } finally {
    wake?.close();
  }
}

/** Resolves `next` when the log changed, the writer ended, or the reader left. */
class Wake {
  readonly #watcher: FSWatcher;
  #pending = true;
  #resolve: () => void = () => undefined;
  over = false;

  constructor(path: string, { ended, signal }: ReadLogOptions) {
    const name = basename(path);
    // The folder, not the file: the log goes on in another file when it is rotated.
    this.#watcher = watch(dirname(path), (_event, changed) => (changed === null || changed.startsWith(name) ? this.#ring() : undefined));
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
