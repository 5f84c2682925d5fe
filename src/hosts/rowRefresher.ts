/**
 * Looks again at the rows that events named: one round at a time, each for all ids that became due meanwhile, so that a storm
 * of events about one container costs two requests, not one for each.
 */
export class RowRefresher {
  readonly #due = new Set<string>();
  readonly #look: (ids: readonly string[]) => Promise<void>;
  #busy = false;

  constructor(look: (ids: readonly string[]) => Promise<void>) {
    this.#look = look;
  }

  /** Errors of `look` reach whoever waits for the returned promise; later ids are looked at all the same. */
  async add(id: string): Promise<void> {
    this.#due.add(id);
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#due.size > 0) {
        const ids = [...this.#due];
        this.#due.clear();
        await this.#look(ids);
      }
    } finally {
      this.#busy = false;
    }
  }
}
