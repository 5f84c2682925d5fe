import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomicFile.ts';
import { isFull } from '../base/errors.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import type { Container } from './container.ts';
import { noSuchContainer } from './errors.ts';
import type { ContainerRecord, ContainerState } from './record.ts';

/** How long after a write that failed states are written again. */
const RETRY_MS = 2_000;

interface WriterOptions {
  readonly log: Log;
  /** Where conmon notes exit statuses. */
  readonly exits: string;
  /** Whether the store still has it: nothing is written of one that was removed. */
  readonly has: (container: Container) => boolean;
}

/**
 * The only writer of what is kept of containers, config.json and state.json. A change is a pure function of what there is by then; the changes of one
 * container are made one after the other, each to memory and disk alike, whoever asks for them and whether or not they hold the container's lock. So none takes
 * back another, and no two write the same file.
 */
export class ContainerWriter {
  readonly #options: WriterOptions;
  readonly #turns = new KeyedMutex();
  /** Their states are in memory only so far. */
  readonly #unsaved = new Set<Container>();
  #retry: NodeJS.Timeout | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** The first record; durable when this resolves, unless `transient` (the container removes itself anyway). */
  async begin({ paths, record }: Container, transient: boolean): Promise<void> {
    const path = join(paths.folder, 'config.json');
    await (transient ? replaceFile(path, textOf(record, 1)) : writeFileAtomic(path, textOf(record, 1)));
  }

  /** Changes what a container is; durable when this resolves. When it cannot be written, it is as it was. Throws NO_SUCH_CONTAINER. */
  updateRecord(container: Container, change: (now: ContainerRecord) => ContainerRecord): Promise<void> {
    return this.#turns.run(container.id, async () => {
      if (!this.#options.has(container)) throw noSuchContainer({ ref: container.id });
      const record = change(container.record);
      await writeFileAtomic(join(container.paths.folder, 'config.json'), textOf(record, 1));
      container.keep({ record });
    });
  }

  /**
   * Changes what a container does; nothing is done for one that was removed. Not synced: it survives a killed engine, and after a crash of the whole host a container that
   * claims to run is recorded as ended anyway. A disk that is full or broken keeps no container from ending or being removed: unless it `must`, the state
   * is written as soon as that works again, and an engine that is killed before that finds by itself what became of the container.
   */
  updateState(container: Container, change: (now: ContainerState) => ContainerState, { must = false }: { readonly must?: boolean } = {}): Promise<void> {
    return this.#turns.run(container.id, async () => {
      if (!this.#options.has(container)) return;
      const state = change(container.state);
      const failure = await this.#write(container, state).then(() => undefined, (error: unknown) => ({ error }));
      if (failure && must) throw failure.error;
      container.keep({ state });
      if (failure) this.#later(container, failure.error);
    });
  }

  /** Whether its state on disk is an older one. */
  isUnsaved(container: Container): boolean {
    return this.#unsaved.has(container);
  }

  async #write(container: Container, state: ContainerState): Promise<void> {
    await replaceFile(join(container.paths.folder, 'state.json'), textOf(state, 0));
    this.#unsaved.delete(container);
  }

  #later(container: Container, error: unknown): void {
    if (this.#unsaved.size === 0) this.#options.log.error(isFull(error) ? 'the disk is full: states of containers are kept in memory until there is room' : 'states of containers cannot be written: they are kept in memory until that works again', { container: container.id, error });
    this.#unsaved.add(container);
    this.#retry ??= setTimeout(() => void this.#saveUnsaved(), RETRY_MS).unref();
  }

  async #saveUnsaved(): Promise<void> {
    for (const container of this.#unsaved) await this.#turns.run(container.id, () => this.#saveAgain(container));
    this.#retry = this.#unsaved.size > 0 ? setTimeout(() => void this.#saveUnsaved(), RETRY_MS).unref() : undefined;
  }

  async #saveAgain(container: Container): Promise<void> {
    if (!this.#options.has(container)) this.#unsaved.delete(container);
    else if (await this.#write(container, container.state).then(() => !container.running, () => false)) await rm(join(this.#options.exits, container.id), { force: true });
  }
}

function textOf(value: unknown, indent: number): string {
  return `${JSON.stringify(value, null, indent)}\n`;
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temp = `${path}.new`;
  try {
    await writeFile(temp, text, { mode: 0o600 });
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}
