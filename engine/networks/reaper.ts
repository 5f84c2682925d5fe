import type { Log } from '../base/log.ts';

export interface Doomed {
  readonly name: string;
  readonly legs: readonly { readonly veth: string }[];
  /** Called when it is gone: its addresses are free. */
  readonly gone: () => void;
}

/** Destroys namespaces in the background, those that come together in one go. */
export class Reaper {
  readonly #destroy: (doomed: readonly Doomed[]) => Promise<void>;
  readonly #log: Log;
  #waiting: Doomed[] = [];
  #working: Promise<void> | undefined;

  constructor(destroy: (doomed: readonly Doomed[]) => Promise<void>, log: Log) {
    this.#destroy = destroy;
    this.#log = log;
  }

  add(doomed: Doomed): void {
    this.#waiting.push(doomed);
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Resolves when nothing waits to be destroyed. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        await this.#destroy(batch);
      } catch (error) {
        this.#log.error('network namespaces could not be destroyed; the next start tries again', { names: batch.map(({ name }) => name), error });
        continue;
      }
      for (const { gone } of batch) gone();
    }
  }
}
