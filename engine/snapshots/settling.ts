import { bootId as currentBoot } from '../host/bootId.ts';

/** Milliseconds after which the kernel has written what it was given, by its default settings (30 s until data is old, 5 s between looks). */
const SETTLE_MS = 60_000;

/**
 * A layer's files are not synced one by one: a kill of the engine cannot hurt them, and a power cut only within the minute that
 * the kernel takes to write them out. A snapshot says in its meta.json in which boot it was made until that minute is over;
 * one that still says so in a later boot was perhaps cut short, and is checked before it is used.
 */
export class Settling {
  /** Names this boot of the kernel. */
  readonly bootId: string;
  readonly #onSettled: (ids: readonly string[]) => void;
  #waiting: string[] | undefined;
  #closed = false;

  constructor(onSettled: (ids: readonly string[]) => void, bootId = currentBoot()) {
    this.bootId = bootId;
    this.#onSettled = onSettled;
  }

  /** Counts from now. Those that come within a second of each other settle together. */
  add(id: string): void {
    if (this.#waiting) {
      this.#waiting.push(id);
      return;
    }
    const batch = [id];
    this.#waiting = batch;
    setTimeout(() => (this.#waiting = undefined), 1000).unref();
    setTimeout(() => this.#closed || this.#onSettled(batch), SETTLE_MS + 1000).unref();
  }

  close(): void {
    this.#closed = true;
  }
}
