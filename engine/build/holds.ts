/** What one build holds. */
export interface Hold {
  readonly add: (id: string) => void;
  readonly ids: () => Iterable<string>;
  readonly close: () => void;
}

/** Snapshots that running builds need, counted: two builds may need the same one. */
export class Holds {
  readonly #counts = new Map<string, number>();

  /** Begins to hold for one build. */
  open(): Hold {
    const held = new Set<string>();
    const add = (id: string): void => {
      if (held.has(id)) return;
      held.add(id);
      this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    };
    const close = (): void => {
      for (const id of held) {
        const left = (this.#counts.get(id) ?? 1) - 1;
        if (left > 0) this.#counts.set(id, left);
        else this.#counts.delete(id);
      }
      held.clear();
    };
    return { add, ids: () => held, close };
  }

  has(id: string): boolean {
    return this.#counts.has(id);
  }

  all(): Iterable<string> {
    return this.#counts.keys();
  }
}
