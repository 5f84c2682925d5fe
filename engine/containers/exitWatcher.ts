import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { Log } from '../base/log.ts';

const ID = /^[0-9a-f]{64}$/;

/** Tells of each exit status that conmon notes in a folder, by the kernel's notice and not by looking again and again. */
export class ExitWatcher {
  readonly #folder: string;
  readonly #onExit: (id: string) => void;
  readonly #log: Log;
  #watcher: FSWatcher | undefined;

  constructor(folder: string, onExit: (id: string) => void, log: Log) {
    this.#folder = folder;
    this.#onExit = onExit;
    this.#log = log;
  }

  /** Watches from now on, and tells of what is there already. */
  async open(): Promise<void> {
    this.#watcher = watch(this.#folder, (_event, name) => {
      if (name === null) void this.#scan();
      else if (ID.test(name)) this.#onExit(name);
    });
    this.#watcher.on('error', (error) => this.#log.error('the folder of exit statuses cannot be watched', { folder: this.#folder, error }));
    await this.#scan();
  }

  close(): void {
    this.#watcher?.close();
  }

  async #scan(): Promise<void> {
    for (const name of await readdir(this.#folder)) if (ID.test(name)) this.#onExit(name);
  }
}
